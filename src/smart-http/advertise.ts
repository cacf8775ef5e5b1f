import type { Context } from 'hono'
import type { GitEnv } from '../auth/agent.ts'
import { textResponse, unavailable } from '../common/git-responses.ts'
import { refuseReadOnly } from '../common/refuse-read-only.ts'
import { askCompanion } from '../companion/index.ts'
import { newId } from '../ledger/id.ts'
import { ledgerProblem } from '../ledger/probe.ts'
import { gateFault } from './gate-fault.ts'

/**
 * Accepted query strings, compared as a whole: http-backend parses the query itself, and of two `service`
 * parameters it would use the last.
 */
const SERVICE: Readonly<Record<string, 'upload-pack' | 'receive-pack'>> = {
  '?service=git-upload-pack': 'upload-pack',
  '?service=git-receive-pack': 'receive-pack',
}

/** Serves `GET /<name>/info/refs?service=…` (gitprotocol-http(5), "Discovering References"). */
export async function advertise(c: Context<GitEnv>): Promise<Response> {
  const { repository, terms } = c.var.access
  if (c.req.raw.method !== 'GET') return textResponse(405, ['info/refs takes GET only'], { allow: 'GET' })
  const { search } = new URL(c.req.url)
  if (search === '?service=git-upload-archive')
    return textResponse(403, ['git archive --remote is not served here: clone, then run git archive there'])
  const service = SERVICE[search]
  if (!service)
    return textResponse(403, [
      'only smart HTTP is served here: ?service=git-upload-pack or ?service=git-receive-pack',
    ])
  if (service === 'receive-pack' && terms.rules.length === 0)
    return textResponse(403, refuseReadOnly(c.var.agent, repository.name))
  const protocol = c.req.header('git-protocol')
  return askCompanion(
    c.env,
    repository.name,
    { service: `advertise-${service}`, id: newId(), repository, agent: c.var.agent, terms },
    { headers: protocol ? { 'git-protocol': protocol } : {}, signal: c.req.raw.signal },
  ).catch(() => unreachable(c))
}

/** The Durable Object keeps its state on the ledger's disk, and cannot begin where that is full. */
async function unreachable(c: Context<GitEnv>): Promise<Response> {
  const problem = await ledgerProblem(c.env.LEDGER)
  return problem === undefined ? unavailable('info/refs') : gateFault(c, [problem])
}
