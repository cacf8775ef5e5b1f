import type { Context } from 'hono'
import type { z } from 'zod'
import { authenticateAs } from '../../api/authenticate.ts'
import { api } from '../../api/index.ts'
import { ApiError } from '../../contract/api.ts'
import type { ConsoleEnv } from '../auth/env.ts'

/** What the admin API refused, in its own words. */
export type Refused = ApiError['error']

/**
 * Asks the admin API, in this process and as whoever is signed in: what the console changes is checked and recorded
 * as what the command line changes.
 */
export async function askApi<T extends z.ZodType>(
  c: Context<ConsoleEnv>,
  schema: T,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<{ ok: true; value: z.infer<T> } | { ok: false; refused: Refused }> {
  const request = new Request(new URL(path, c.req.url), {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  authenticateAs(request, c.var.operator)
  const response = await api.fetch(request, c.env, c.executionCtx)
  const answer: unknown = await response.json()
  if (response.ok) return { ok: true, value: schema.parse(answer) }
  return { ok: false, refused: ApiError.parse(answer).error }
}
