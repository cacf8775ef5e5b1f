import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Pass, PassFor } from '../../src/contract/pass.ts'
import type { Companion } from '../companion.ts'
import { freshOrArriving, uploadArriving } from '../fetch/initial-fetch.ts'
import { advertise, refuseFetch, uploadPack } from '../fetch/upload-pack.ts'
import { type Client, goneSignal, httpClient } from '../http/push-client.ts'
import { ClientGone } from '../http/request-body.ts'
import { text } from '../http/respond.ts'
import { faultOf, GATES_FAULT, logFault } from '../process/log.ts'
import { NoRoom } from '../process/memory-budget.ts'
import { endedBy, type SessionEnd } from '../sessions/session-counts.ts'
import { UpstreamError } from '../upstream/ssh-link.ts'
import { recordPush, refused, wholePush } from './push-record.ts'
import { abandonPush, failPush, receivePack, refusePush } from './receive-pack.ts'

type GitPass = PassFor<
  'advertise-upload-pack' | 'advertise-receive-pack' | 'git-upload-pack' | 'git-receive-pack'
>

/** A git session: let in within the limits, its mirror brought up to date, then its service. */
export async function gitSession(
  companion: Companion,
  pass: GitPass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { settings, sessions, mirrors } = companion
  if (pass.service === 'git-receive-pack')
    return push(companion, pass, httpClient(request, response, settings))
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
const asking = ({ id, repository, agent, service }: GitPass) => ({
  id,
  repository: repository.name,
  agent,
  service,
})

/** A push, in whatever way it came. Its session ends when the client has its answer, or is given up. */
export async function push(
  { settings, sessions, memory, mirrors, links, journal, checks }: Companion,
  pass: PassFor<'git-receive-pack'>,
  client: Client,
  /** Called when its outcome is in the journal. The Worker asks by itself for those that come through it. */
  announce = async () => {},
): Promise<void> {
  const begun = sessions.begin(asking(pass))
  if (!begun.ok) {
    const done = sessions.turnAway(pass.agent)
    if (!done) return cutOff(client, { pass, journal, announce }, begun.why)
    client.at('turned away')
    await refusePush(client, { pass, journal, announce }, begun.why).finally(done)
    return
  }
  let end: SessionEnd = { outcome: 'failed' }
  try {
    const mirror = mirrors.of(pass.repository)
    const linkTo = () => links.to(pass.repository)
    try {
      if (!(await mirror.filled())) await mirror.refresh(pass.repository, client.gone)
    } catch (error) {
      if (error instanceof ClientGone) end = await abandonPush(client, { pass, journal }, error)
      else if (error instanceof UpstreamError)
        end = await failPush(client, { pass, journal, announce }, error.message)
      else {
        logFault(pass.id, error)
        const why = `the gate could not take this push: ${faultOf(error)}`
        end = await failPush(client, { pass, journal, announce }, why, GATES_FAULT)
      }
      return
    }
    end = await receivePack(client, {
      pass,
      session: begun.session,
      memory,
      mirror,
      linkTo,
      checks,
      journal,
      announce,
      settings,
    })
  } finally {
    begun.end(end)
  }
}

/** Too many are turned away already: a push that would have to be read to be told why is on record, and closed. */
async function cutOff(
  client: Client,
  { pass, journal, announce }: Parameters<typeof refusePush>[1],
  why: string,
): Promise<void> {
  await recordPush(pass, journal).end(refused([], [wholePush(why)]))
  await announce()
  client.drop()
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
