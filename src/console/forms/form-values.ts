import { z } from 'zod'

/** The value of a textarea. Browsers send CRLF line ends; the result has LF. */
export const multiline = z
  .string()
  .default('')
  .transform(value => value.replaceAll('\r\n', '\n'))

/** The value of a checkbox. A checked box sends `yes`, an unchecked box sends no field. */
export const checkbox = z
  .string()
  .optional()
  .transform(value => value === 'yes')

/** The value of a select whose empty option stands for none. */
export const choice = z
  .string()
  .default('')
  .transform(value => value || null)
