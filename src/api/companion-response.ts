import { z } from 'zod'
import { withTimeout } from '../common/with-timeout.ts'
import { Problem } from './problem.ts'

const ErrorBody = z.object({ error: z.string() })

/** In milliseconds. The slowest call checks the connection to an upstream that does not answer: 45 s. */
const RESPONSE_TIMEOUT_MS = 52_000

/**
 * Parses the companion's JSON response. Throws a 400 with the companion's message when it rejects the request, and a
 * 502 without internals for everything else.
 */
export async function parseCompanionResponse<T extends z.ZodType>(
  request: Promise<Response>,
  schema: T,
): Promise<z.infer<T>> {
  const received = await withTimeout(RESPONSE_TIMEOUT_MS, readText(request), undefined)
  // The Worker answers 503 itself, with the reason, while the container is stopped or starting.
  if (!received || received.response.status === 503)
    throw new Problem(
      502,
      'companion-unavailable',
      received?.text.replace(/^git-gate: /gm, '').trim() || 'the companion cannot be reached',
      'Check the companion: git gate doctor',
    )
  const { response, text } = received
  const body = parseJson(text)
  if (response.status >= 400 && response.status < 500) {
    const parsedError = ErrorBody.safeParse(body)
    throw new Problem(
      400,
      'companion-rejected',
      parsedError.success ? parsedError.data.error : 'the companion rejected the request',
    )
  }
  const parsed = schema.safeParse(body)
  if (!response.ok || !parsed.success)
    throw new Problem(
      502,
      'companion-error',
      `the companion sent an invalid response (status ${response.status})`,
      "See the companion's log for the cause, and run Worker and companion in the same version",
    )
  return parsed.data
}

/** Returns undefined when the request fails. */
const readText = (request: Promise<Response>) =>
  request.then(async response => ({ response, text: await response.text() })).catch(() => undefined)

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
