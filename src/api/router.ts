import { OpenAPIHono, type z } from '@hono/zod-openapi'
import { ApiError } from '../contract/admin-api/common.ts'
import type { AuthenticatedOperator } from '../ledger/audit-log.ts'
import { Problem } from './problem.ts'

export interface ApiEnv {
  Bindings: Env
  Variables: { operator: AuthenticatedOperator; authorized?: true }
}

/** Returns a 400 that names the first field with an invalid value. */
export function validationProblem(error: z.ZodError): Problem {
  const [issue] = error.issues
  const field = issue?.path.length ? `${issue.path.join('.')}: ` : ''
  return new Problem(
    400,
    'bad-request',
    `${field}${issue?.message ?? 'invalid value'}`.slice(0, 1000),
    'See /-/api/v1/reference for the schema',
  )
}

/** Converts the path of an OpenAPI route to Hono's: `/agents/{name}` to `/agents/:name`. */
export const honoPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

/** Creates a router whose routes parse requests with their schemas, and answer 400 to an invalid request. */
export const createApiRouter = () =>
  new OpenAPIHono<ApiEnv>({
    defaultHook: result => {
      if (!result.success) throw validationProblem(result.error)
    },
  })

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  content: { 'application/json': { schema } },
  description,
})

/** Describes a required JSON request body. */
export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  content: { 'application/json': { schema } },
  required: true as const,
})

/** Every route can answer with these. */
const ERROR_RESPONSES = {
  400: json(ApiError, 'The request does not match the schema'),
  401: json(ApiError, 'No valid admin token'),
  403: json(ApiError, "The operator's role does not allow it"),
  404: json(ApiError, 'The resource does not exist'),
  409: json(ApiError, 'The request conflicts with existing resources'),
  413: json(ApiError, 'The body is too large'),
  415: json(ApiError, 'The body is not JSON'),
  429: json(ApiError, 'Too many requests; Retry-After has the seconds to wait'),
  502: json(ApiError, 'The companion is unavailable, or its response is invalid'),
  503: json(ApiError, "The gate failed; the Worker's log has the cause"),
}

/** Describes a JSON response, together with the error responses. */
export const jsonResponses = <S extends 200 | 201, T extends z.ZodType>(
  status: S,
  schema: T,
  description: string,
) =>
  ({ [status]: json(schema, description), ...ERROR_RESPONSES }) as {
    [K in S]: ReturnType<typeof json<T>>
  } & typeof ERROR_RESPONSES
