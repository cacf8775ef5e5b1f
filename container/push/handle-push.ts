import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Pass, PassFor } from '../../src/contract/pass.ts'
import { type Client, goneSignal } from '../client/push-client.ts'
import { text } from '../client/respond.ts'
import type { Companion } from '../companion.ts'
import { freshOrArriving, uploadArriving } from '../fetch/initial-fetch.ts'
import { advertise, refuseFetch, uploadPack } from '../fetch/upload-pack.ts'
import { NoRoom } from '../process/memory-budget.ts'
import { endedBy, type SessionEnd } from '../sessions/session-counts.ts'
import { UpstreamError } from '../upstream/ssh-link.ts'
import { cutOff, runPush, turnedAway } from './push.ts'
import { createProgress } from './push-state.ts'
import type { WorkerChannel } from './worker-channel.ts'

type FetchPass = PassFor<'advertise-upload-pack' | 'advertise-receive-pack' | 'git-upload-pack'>

/** A session that reads: let in within the limits, its mirror brought up to date, then its service. */
export async function readSession(
  companion: Companion,
  pass: FetchPass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { settings, sessions, mirrors } = companion
  const mirror = mirrors.of(pass.repository)
  const begun = sessions.begin(asking(pass))
  if (!begun.ok) return busy(pass, response, begun.why)
  let end: SessionEnd = { outcome: 'failed' }
  let leaveMemory: (() => void) | undefined
  try {
    if (pass.service === 'advertise-upload-pack' || pass.service === 'advertise-receive-pack') {
      const refreshed = mirror.refresh(pass.repository, goneSignal(response))
      const there = await freshOrArriving(pass, request, mirror, refreshed, settings)
      if (!there.ok) return comeAgain(response, there)
      end = await advertise(pass, request, response, mirror, settings)
      return
    }
    leaveMemory = await companion.memory.enter(goneSignal(response))
    const { arriving } = mirror
    if (arriving) {
      end = await uploadArriving(pass, request, response, mirror, arriving, settings)
      return
    }
    // The mirror is a cache: one that was deleted since the advertisement is made again.
    if (!(await mirror.filled())) await mirror.refresh(pass.repository, goneSignal(response))
    end = await uploadPack(pass, request, response, mirror, settings)
  } catch (error) {
    if (response.destroyed) {
      end = endedBy('vanished')
      return
    }
    if (!(error instanceof UpstreamError || error instanceof NoRoom)) throw error
    if (pass.service === 'git-upload-pack') return refuseFetch(response, error.message)
    return text(response, 502, error.message)
  } finally {
    leaveMemory?.()
    begun.end(end)
  }
}

/** Who asks, as its session has it. */
const asking = ({ id, repository, agent, service }: FetchPass | PassFor<'git-receive-pack'>) => ({
  id,
  repository: repository.name,
  agent,
  service,
})

/** A push, by whichever protocol it came. Its session ends when the client has its answer, or is given up. */
export async function push(
  companion: Companion,
  pass: PassFor<'git-receive-pack'>,
  client: Client,
  worker: WorkerChannel,
): Promise<void> {
  const { sessions, mirrors, links } = companion
  const progress = createProgress()
  const mirror = mirrors.of(pass.repository)
  const linkTo = () => links.to(pass.repository)
  const work = { ...companion, pass, client, worker, progress, mirror, linkTo }
  const begun = sessions.begin(asking(pass), () => progress.state)
  if (!begun.ok) {
    const done = sessions.turnAway(pass.agent)
    if (!done) return cutOff(work, begun.why)
    client.at('turned away')
    await runPush(work, turnedAway(begun.why)).finally(done)
    return
  }
  let end: SessionEnd = { outcome: 'failed' }
  try {
    end = await runPush(work)
  } finally {
    begun.end(end)
  }
}

function comeAgain(response: ServerResponse, { why, retryAfter }: { why: string; retryAfter: number }): void {
  response.setHeader('retry-after', String(retryAfter))
  text(response, 503, why)
}

/** Too many at once, told in the form each fetch's client prints. */
function busy(pass: Pass, response: ServerResponse, why: string): void {
  if (pass.service !== 'git-upload-pack') return comeAgain(response, { why, retryAfter: 5 })
  response.setHeader('retry-after', '5')
  refuseFetch(response, why)
}
