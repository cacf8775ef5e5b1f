import { z } from 'zod'

/** A schema for a JSON column, whose value `schema` parses. */
export const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform(text => JSON.parse(text))
    .pipe(schema)
