import { z } from 'zod'

/** Text of several lines as a browser sends it, with ends of lines as they are here. */
export const sentLines = z
  .string()
  .default('')
  .transform(sent => sent.replaceAll('\r\n', '\n'))

/** A box that is ticked sends `yes`; another sends nothing, and what no box sends is no tick. */
export const sentTick = z
  .string()
  .optional()
  .transform(sent => sent === 'yes')
