import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Pass, PassFor } from '../../src/contract/pass.ts'
import { disconnectSignal } from '../client/push-client.ts'
import { text } from '../client/respond.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import { type MemoryBudget, NoRoom } from '../process/memory-budget.ts'
import { endedBy, type SessionEnd } from '../sessions/session-counts.ts'
import { type Sessions, sessionOf } from '../sessions/sessions.ts'
import type { Settings } from '../settings.ts'
import { UpstreamError } from '../upstream/ssh-link.ts'
import { serveDuringInitialFetch, waitForMirror } from './initial-fetch.ts'
import { advertise, sendErrPacket, uploadPack } from './upload-pack.ts'

type FetchPass = PassFor<'advertise-upload-pack' | 'advertise-receive-pack' | 'git-upload-pack'>

/** What every fetch works with. */
interface FetchDependencies {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly memory: MemoryBudget
  readonly mirrors: Mirrors
}

/** Serves a fetch or an advertisement: within the limits of sessions, from a mirror that is up to date. */
export async function readSession(
  dependencies: FetchDependencies,
  pass: FetchPass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { settings, sessions, mirrors } = dependencies
  const mirror = mirrors.get(pass.repository)
  const begun = sessions.begin(sessionOf(pass))
  if (!begun.ok) return busy(pass, response, begun.why)
  let end: SessionEnd = { outcome: 'failed' }
  let leaveMemory: (() => void) | undefined
  try {
    if (pass.service === 'advertise-upload-pack' || pass.service === 'advertise-receive-pack') {
      const refreshed = mirror.refresh(pass.repository, disconnectSignal(response))
      const there = await waitForMirror(pass, request, mirror, refreshed, settings)
      if (!there.ok) return comeAgain(response, there)
      end = await advertise(pass, request, response, mirror, settings)
      return
    }
    leaveMemory = await dependencies.memory.enter(disconnectSignal(response))
    const { initialFetch: arriving } = mirror
    if (arriving) {
      end = await serveDuringInitialFetch(pass, request, response, mirror, arriving, settings)
      return
    }
    // The mirror is a cache: one that was deleted since the advertisement is made again.
    if (!(await mirror.isReady())) await mirror.refresh(pass.repository, disconnectSignal(response))
    end = await uploadPack(pass, request, response, mirror, settings)
  } catch (error) {
    if (response.destroyed) {
      end = endedBy('vanished')
      return
    }
    if (!(error instanceof UpstreamError || error instanceof NoRoom)) throw error
    if (pass.service === 'git-upload-pack') return sendErrPacket(response, error.message)
    return text(response, 502, error.message)
  } finally {
    leaveMemory?.()
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
  sendErrPacket(response, why)
}
