import type { Context } from 'hono'
import { textResponse } from '../common/git-responses.ts'
import { refuseReadOnly } from '../common/refuse-read-only.ts'
import { settingsOf } from '../common/settings.ts'
import { hasShortBody } from '../common/short-body.ts'
import { type Call, readCall } from '../contract/companion-api/companion-call.ts'
import { findGrant } from '../ledger/access/token-and-grant.ts'
import { recordFetch } from '../ledger/fetches.ts'
import { newId } from '../ledger/id.ts'
import { openPush } from '../ledger/pushes/write-pushes.ts'
import { passFor, receivePackPass } from './pass.ts'
import { NO_TOKEN, permissionPass } from './push/permission.ts'
import { syncOutcome } from './push/sync-outcome.ts'

const MAX_CALL_BYTES = 16_000

/** Serves `POST /-/companion`: the companion's calls for its `git://` clients. */
export async function handleCompanionCall(c: Context<{ Bindings: Env }>): Promise<Response> {
  if (!hasShortBody(c.req.raw, MAX_CALL_BYTES)) return textResponse(413, ['a call is short'])
  const { GATE_PASS_KEY, GATE_GIT_AGENT } = settingsOf(c.env)
  const read = await readCall(await c.req.text(), GATE_PASS_KEY, Date.now() / 1000)
  if (!read.ok) return textResponse(403, [`this is for the companion: ${read.reason}`])
  const call = read.claims
  if (call.call === 'pass')
    return call.agent === GATE_GIT_AGENT
      ? issuePass(c, call)
      : textResponse(403, [
          `this gate gives ${call.agent} no pass over git://: GATE_GIT_AGENT names who gets one`,
        ])
  if (call.call === 'permission') return c.text(await passFor(c.env, await permissionPass(c.env, call.push)))
  await syncOutcome(c.env, { id: call.push, repository: call.repository }, 0)
  return c.body(null, 204)
}

/** Issues a pass for the agent of `git://`, by its current grant, and records the push or fetch. */
async function issuePass(
  { env, executionCtx }: Context<{ Bindings: Env }>,
  call: Extract<Call, { call: 'pass' }>,
): Promise<Response> {
  const { service, agent, clientAddress } = call
  const access = await findGrant(env.LEDGER, agent, call.repository)
  if (!access) return textResponse(403, [`${agent} has no grant for ${call.repository}`])
  const { repository, terms } = access
  if (service !== 'advertise-upload-pack' && terms.rules.length === 0)
    return textResponse(403, refuseReadOnly(agent, repository.name))
  const attempt = { repository: repository.name, agent, tokenId: NO_TOKEN, clientAddress, clientVersion: '' }
  if (service === 'advertise-upload-pack') executionCtx.waitUntil(recordFetch(env.LEDGER, attempt))
  if (service !== 'git-receive-pack')
    return new Response(await passFor(env, { service, id: newId(), repository, agent, terms }))
  const id = await openPush(env.LEDGER, attempt)
  return new Response(await passFor(env, receivePackPass(id, agent, access)))
}
