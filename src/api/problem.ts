import type { Context, ErrorHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { lateResponse } from '../common/limit-body-time.ts'
import { logError } from '../common/log.ts'
import type { ApiError } from '../contract/admin-api/common.ts'

type ProblemStatus = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 422 | 429 | 502 | 503

/** An error response of the API. Any handler may throw it. */
export class Problem extends Error {
  readonly status: ProblemStatus
  readonly code: string
  readonly fix: string
  constructor(status: ProblemStatus, code: string, message: string, fix = '') {
    super(message)
    this.status = status
    this.code = code
    this.fix = fix
  }
}

/** A 404; `command` is the `git gate` command that lists the resource. */
export const notFound = (resource: string, command: string) =>
  new Problem(404, 'not-found', `there is no ${resource}`, `List them: git gate ${command} list`)

/** Turns a thrown error into a response. Logs an unexpected error, and keeps its message out of the response. */
export const handleProblem: ErrorHandler = (error, c) => {
  if (error instanceof Problem) return problemResponse(c, error)
  const late = lateResponse(c)
  if (late) return late
  if (error instanceof HTTPException && error.status < 500)
    return problemResponse(
      c,
      new Problem(400, 'bad-request', error.message, 'Send a JSON object; see /-/api/v1/reference'),
    )
  if (/FOREIGN KEY constraint failed/.test(error.message))
    return problemResponse(
      c,
      new Problem(
        409,
        'conflict',
        'a resource that the request refers to was removed, or another resource still refers to this one',
        'List the resources, and retry',
      ),
    )
  logError({ at: c.req.path }, error)
  return problemResponse(
    c,
    new Problem(
      503,
      'internal-error',
      'the gate failed to handle the request',
      "Retry; if it fails again, see the Worker's log for the cause",
    ),
  )
}

function problemResponse(c: Context, problem: Problem): Response {
  const body: ApiError = { error: { code: problem.code, message: problem.message, fix: problem.fix } }
  if (problem.status === 401) c.header('www-authenticate', 'Bearer realm="git-gate admin"')
  return c.json(body, problem.status)
}
