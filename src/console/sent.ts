import { z } from 'zod'

/** Text of several lines as a browser sends it, with ends of lines as they are here. */
export const sentLines = z
  .string()
  .default('')
  .transform(sent => sent.replaceAll('\r\n', '\n'))

/** A box that is ticked sends `yes`; another sends nothing. */
export const sentTick = z
  .literal('yes')
  .optional()
  .transform(sent => sent === 'yes')
