import type { Context } from 'hono'
import type { z } from 'zod'
import { authenticateAs } from '../../api/authenticate.ts'
import { api } from '../../api/index.ts'
import { ApiError } from '../../contract/admin-api/common.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { withLabel } from './labels.ts'

/** An error response of the admin API, about the fields of a form by their labels. */
export type ApiProblem = ApiError['error']

/**
 * Calls the admin API inside this Worker as the signed-in operator. The API checks and records changes from the console
 * in the same way as changes from the command line.
 */
export async function callApi<T extends z.ZodType>(
  c: Context<ConsoleEnv>,
  schema: T,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<{ ok: true; value: z.infer<T> } | { ok: false; problem: ApiProblem }> {
  const request = new Request(new URL(path, c.req.url), {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  authenticateAs(request, c.var.operator)
  const response = await api.fetch(request, c.env, c.executionCtx)
  const json: unknown = await response.json()
  if (response.ok) return { ok: true, value: schema.parse(json) }
  return { ok: false, problem: withLabel(ApiError.parse(json).error) }
}
