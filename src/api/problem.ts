import type { Context, ErrorHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { logFault } from '../common/log.ts'
import type { ApiError } from '../contract/api.ts'

type ProblemStatus = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 422 | 429 | 502 | 503

/** A refusal of the API. Thrown anywhere in a request, it becomes the answer. */
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

export const notFound = (what: string, list: string) =>
  new Problem(404, 'not-found', `there is no ${what}`, `See what there is: git gate ${list} list`)

/** Turns whatever a request threw into an answer; what was not foreseen is logged, and told without its insides. */
export const answerProblem: ErrorHandler = (error, c) => {
  if (error instanceof Problem) return problemAnswer(c, error)
  if (error instanceof HTTPException && error.status < 500)
    return problemAnswer(
      c,
      new Problem(400, 'bad-request', error.message, 'Send a JSON object; see /-/api/v1/reference'),
    )
  if (/FOREIGN KEY constraint failed/.test(error.message))
    return problemAnswer(
      c,
      new Problem(
        409,
        'conflict',
        'something that this refers to, or that refers to this, stands in the way',
        'Look again, and retry',
      ),
    )
  logFault({ at: c.req.path }, error)
  return problemAnswer(
    c,
    new Problem(
      503,
      'fault',
      'the gate could not do this',
      "Retry; if it stays so, the Worker's log has the cause",
    ),
  )
}

function problemAnswer(c: Context, problem: Problem): Response {
  const body: ApiError = { error: { code: problem.code, message: problem.message, fix: problem.fix } }
  if (problem.status === 401) c.header('www-authenticate', 'Bearer realm="git-gate admin"')
  return c.json(body, problem.status)
}
