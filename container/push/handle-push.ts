import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { PushClient } from '../client/push-client.ts'
import type { EarlySessions } from '../forward/early-sessions.ts'
import { openReceivePack } from '../forward/receive-pack.ts'
import { HELD_MS } from '../forward/upstream-session.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import type { SessionEnd } from '../sessions/session-counts.ts'
import { type Sessions, sessionOf } from '../sessions/sessions.ts'
import type { Links } from '../upstream/links.ts'
import { cutOff, endUnstarted, runPush, turnedAway } from './push.ts'
import { createPushState } from './push-state.ts'
import type { PushServices, PushWork } from './push-work.ts'
import { PushRecorder } from './record/push-recorder.ts'
import type { WorkerChannel } from './worker-channel.ts'

/** The services of a push, and those with which its session begins. */
interface PushDependencies extends PushServices {
  readonly sessions: Sessions
  readonly mirrors: Mirrors
  readonly links: Links
  readonly earlySessions: EarlySessions
}

/**
 * Serves one push over HTTP or `git://`. Its session ends when the client has received its response or was
 * disconnected.
 */
export async function handlePush(
  dependencies: PushDependencies,
  pass: PassFor<'git-receive-pack'>,
  client: PushClient,
  worker: WorkerChannel,
): Promise<void> {
  const { mirrors, links, earlySessions, journal } = dependencies
  const { repository } = pass
  const linkTo = () => links.to(repository)
  const early = pass.approved ? undefined : earlySessions.take(pass)
  const state = createPushState()
  const work: PushWork = {
    services: dependencies,
    pass,
    client,
    worker,
    linkTo,
    state,
    recorder: new PushRecorder({ pass, journal, state, sendEvent: worker.sendEvent }),
    mirror: mirrors.get(repository),
    openReceivePack: async () =>
      early && (await early.running())
        ? early
        : openReceivePack(async signal => (await linkTo()).acquire(signal), repository, HELD_MS),
  }
  try {
    await runInSession(dependencies, work)
  } finally {
    early?.drop()
  }
}

async function runInSession({ sessions, held }: PushDependencies, work: PushWork): Promise<void> {
  const { pass, client, state } = work
  if (pass.approved && !(await held.find(pass.approved.push))) return endUnstarted(work)
  const started = sessions.begin(sessionOf(pass), () => state.current)
  if (!started.ok) {
    if (pass.approved) return endUnstarted(work, started.reason)
    const done = sessions.turnAway(pass.agent)
    if (!done) return cutOff(work, started.reason)
    client.enterPhase('turned away')
    await runPush(work, turnedAway(started.reason)).finally(done)
    return
  }
  let end: SessionEnd = { outcome: 'failed' }
  try {
    end = await runPush(work)
    if (pass.approved && end.outcome === 'accepted') await held.release(pass.approved.push)
  } finally {
    started.end(end)
  }
}
