import { z } from 'zod'

/** A column of JSON, parsed by the schema of what it holds. */
export const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform(text => JSON.parse(text))
    .pipe(schema)
