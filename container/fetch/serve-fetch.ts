import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Pass, PassFor } from '../../src/contract/companion-api/pass.ts'
import { text } from '../client/respond.ts'
import { disconnectSignal } from '../client/response-end.ts'
import { type EarlySessions, openEarlySession } from '../forward/early-sessions.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import { type MemoryBudget, MemoryExhausted } from '../process/memory-budget.ts'
import { type SessionEnd, sessionEndOf } from '../sessions/session-counts.ts'
import { type Sessions, sessionOf } from '../sessions/sessions.ts'
import type { Settings } from '../settings.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { advertise } from './advertise.ts'
import { serveDuringFirstFetch, waitForMirror } from './during-first-fetch.ts'
import type { SharedResponses } from './shared-responses.ts'
import { sendErrPacket, uploadPack } from './upload-pack.ts'

type FetchPass = PassFor<'advertise-upload-pack' | 'advertise-receive-pack' | 'git-upload-pack'>

/** Dependencies shared by all fetches. */
interface FetchDependencies {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly memory: MemoryBudget
  readonly mirrors: Mirrors
  readonly sharedResponses: SharedResponses
  readonly earlySessions: EarlySessions
}

/** Serves a fetch or an advertisement from an up-to-date mirror, if a session is free. */
export async function serveFetch(
  dependencies: FetchDependencies,
  pass: FetchPass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { settings, sessions, mirrors } = dependencies
  const mirror = mirrors.get(pass.repository)
  const started = await sessions.beginInTurn(sessionOf(pass), disconnectSignal(response))
  if (!started.ok) return respondBusy(pass, response, started.reason)
  let end: SessionEnd = { outcome: 'failed' }
  let leaveMemory: (() => void) | undefined
  try {
    if (pass.service === 'advertise-upload-pack' || pass.service === 'advertise-receive-pack') {
      if (pass.service === 'advertise-receive-pack') openEarlySession(pass, dependencies)
      const refreshed = mirror.refresh(pass.repository, disconnectSignal(response))
      const mirrorState = await waitForMirror(pass, request, mirror, refreshed, settings)
      if (!mirrorState.ok) return respondRetryLater(response, mirrorState)
      end = await advertise(pass, request, response, mirror, settings)
      return
    }
    leaveMemory = await dependencies.memory.enter(disconnectSignal(response))
    const { firstFetch } = mirror
    if (firstFetch) {
      end = await serveDuringFirstFetch(pass, request, response, { ...dependencies, mirror }, firstFetch)
      return
    }
    // The mirror is a cache. If it was deleted after the advertisement, it is fetched again.
    if (!(await mirror.isReady())) await mirror.refresh(pass.repository, disconnectSignal(response))
    end = await uploadPack(pass, request, response, { ...dependencies, mirror })
  } catch (error) {
    if (response.destroyed) {
      end = sessionEndOf('disconnected')
      return
    }
    if (!(error instanceof UpstreamError || error instanceof MemoryExhausted)) throw error
    if (pass.service === 'git-upload-pack') return sendErrPacket(response, error.message)
    return text(response, 502, error.message)
  } finally {
    leaveMemory?.()
    started.end(end)
  }
}

function respondRetryLater(
  response: ServerResponse,
  { reason, retryAfter }: { reason: string; retryAfter: number },
): void {
  response.setHeader('retry-after', String(retryAfter))
  text(response, 503, reason)
}

/**
 * Refuses a fetch because no session is free, in the form that git prints: an ERR packet, or a 503 for an
 * advertisement.
 */
function respondBusy(pass: Pass, response: ServerResponse, reason: string): void {
  if (pass.service !== 'git-upload-pack') return respondRetryLater(response, { reason, retryAfter: 5 })
  response.setHeader('retry-after', '5')
  sendErrPacket(response, reason)
}
