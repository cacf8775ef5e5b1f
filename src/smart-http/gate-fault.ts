import type { Context } from 'hono'
import type { GitEnv } from '../auth/agent.ts'
import { drain } from '../common/drain.ts'
import { textResponse, unavailable } from '../common/git-responses.ts'

const RETRY_SECONDS = 5

/**
 * Responds to a request on which the Worker failed, in the protocol of the requested service: of a plain 500
 * git prints only the status code.
 */
export async function gateFault(c: Context<GitEnv>, problems: readonly string[]): Promise<Response> {
  const cause = problems.length ? `: ${problems.join('; ')}` : ''
  const reason = `the gate failed on this request${cause}; nothing was changed; this is the gate's fault: try again, and if it happens again, tell the operator`
  const { pathname } = new URL(c.req.url)
  if (pathname.startsWith('/-/')) return textResponse(500, [reason])
  if (pathname.endsWith('/info/refs')) return unavailable('info/refs', reason, RETRY_SECONDS)
  if (pathname.endsWith('/git-upload-pack')) return unavailable('git-upload-pack', reason, RETRY_SECONDS)
  if (!pathname.endsWith('/git-receive-pack')) return textResponse(500, [reason])
  // Git reads a response only after it has sent its request. The body of an unauthenticated client is not
  // drained.
  const { body } = c.req.raw
  if (c.get('agent') !== undefined && body && !body.locked) await drain(body)
  return unavailable('git-receive-pack', reason, RETRY_SECONDS)
}
