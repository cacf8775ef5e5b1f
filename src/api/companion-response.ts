import { z } from 'zod'
import { within } from '../common/with-timeout.ts'
import { Problem } from './problem.ts'

const Refused = z.object({ error: z.string() })

/** The longest answer, the check of a link to an upstream that says nothing, takes less, in milliseconds (45 s). */
const ANSWER_MS = 52_000

/** The companion's JSON answer, parsed; anything else is a 502 that says what is wrong without its insides. */
export async function companionAnswer<T extends z.ZodType>(
  asked: Promise<Response>,
  schema: T,
): Promise<z.infer<T>> {
  const whole = asked
    .then(async response => ({ response, said: await response.text() }))
    .catch(() => undefined)
  const answer = await within(ANSWER_MS, whole, undefined)
  // One that does not run, or is only starting, is told of by whoever looks after it.
  if (!answer || answer.response.status === 503)
    throw new Problem(
      502,
      'no-companion',
      answer?.said.replace(/^git-gate: /gm, '').trim() || 'the companion cannot be reached',
      'Is it running? Try: git gate doctor',
    )
  const { response, said } = answer
  const body = fromJson(said)
  if (response.status >= 400 && response.status < 500) {
    const why = Refused.safeParse(body)
    throw new Problem(
      400,
      'companion-refused',
      why.success ? why.data.error : 'the companion did not take this',
    )
  }
  const parsed = schema.safeParse(body)
  if (!response.ok || !parsed.success)
    throw new Problem(
      502,
      'companion-fault',
      `the companion answered oddly (${response.status})`,
      "The companion's log has the cause; Worker and companion must be of the same version",
    )
  return parsed.data
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
