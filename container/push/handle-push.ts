import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { PushClient } from '../client/push-client.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import type { SessionEnd } from '../sessions/session-counts.ts'
import { type Sessions, sessionOf } from '../sessions/sessions.ts'
import type { Links } from '../upstream/links.ts'
import { cutOff, endUnstarted, runPush, turnedAway } from './push.ts'
import { createProgress } from './push-state.ts'
import type { PushWork } from './push-work.ts'
import type { WorkerChannel } from './worker-channel.ts'

/** Dependencies shared by all pushes. */
interface PushDependencies
  extends Pick<PushWork, 'settings' | 'memory' | 'checks' | 'journal' | 'held' | 'credentials'> {
  readonly sessions: Sessions
  readonly mirrors: Mirrors
  readonly links: Links
}

/**
 * Serves one push over HTTP or `git://`. Its session ends when the client has received its response or was
 * disconnected.
 */
export async function push(
  dependencies: PushDependencies,
  pass: PassFor<'git-receive-pack'>,
  client: PushClient,
  worker: WorkerChannel,
): Promise<void> {
  const { sessions, mirrors, links } = dependencies
  const progress = createProgress()
  const mirror = mirrors.get(pass.repository)
  const linkTo = () => links.to(pass.repository)
  const work = { ...dependencies, pass, client, worker, progress, mirror, linkTo }
  if (pass.approved && !(await dependencies.held.find(pass.approved.push))) return endUnstarted(work)
  const started = sessions.begin(sessionOf(pass), () => progress.state)
  if (!started.ok) {
    if (pass.approved) return endUnstarted(work, started.reason)
    const done = sessions.turnAway(pass.agent)
    if (!done) return cutOff(work, started.reason)
    client.onProgress('turned away')
    await runPush(work, turnedAway(started.reason)).finally(done)
    return
  }
  let end: SessionEnd = { outcome: 'failed' }
  try {
    end = await runPush(work)
    if (pass.approved && end.outcome === 'accepted') await dependencies.held.release(pass.approved.push)
  } finally {
    started.end(end)
  }
}
