import fs from 'node:fs'
import path from 'node:path'
import { buildSchema } from 'graphql'

/** The part of GitHub's schema that agents may ask for. */
export const githubSchema = buildSchema(
  fs.readFileSync(path.join(import.meta.dirname, 'github.graphql'), 'utf8'),
)
