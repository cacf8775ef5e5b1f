import { z } from 'zod'

const ERROR = 'must be a number of seconds, from 60 to 2592000 (30 days)'

/**
 * How long the companion keeps the objects of a refused push, in seconds. The Worker lets a push wait for an
 * approval as long.
 */
export const HeldSeconds = z.coerce
  .number({ error: ERROR })
  .min(60, ERROR)
  .max(2_592_000, ERROR)
  .default(259_200)
