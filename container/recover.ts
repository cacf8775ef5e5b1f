import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { settleByAsking } from './forward.ts'
import type { Entry, Journal } from './journal.ts'
import type { Mirrors } from './mirror.ts'
import { startTimeOf } from './process.ts'
import type { Settings } from './settings.ts'
import type { createLinks } from './upstream.ts'

/**
 * Settles what a crash left open. A push that was not yet forwarded has failed; one that was is ended, and
 * upstream tells what it took.
 */
export async function recover(
  journal: Journal,
  mirrors: Mirrors,
  links: ReturnType<typeof createLinks>,
  settings: Settings,
): Promise<void> {
  await rm(join(settings.home, 'scratch'), { recursive: true, force: true })
  await Promise.all((await journal.open()).map(entry => settle(entry, journal, mirrors, links)))
}

async function settle(
  entry: Entry,
  journal: Journal,
  mirrors: Mirrors,
  links: ReturnType<typeof createLinks>,
): Promise<void> {
  const { report, upstream, forward } = entry
  const why = 'the companion was restarted before this push was done'
  if (!forward) {
    const refs = report.refs.map(ref => ({ ...ref, status: 'ng' as const, reason: `git-gate: ${why}` }))
    return journal.write({ ...entry, report: { ...report, outcome: 'failed', refs } })
  }
  if (forward.startedAt && startTimeOf(forward.pid) === forward.startedAt)
    process.kill(-forward.pid, 'SIGKILL')
  const mirror = mirrors.of(upstream)
  const asked = await links.to(upstream).then(
    link => settleByAsking(mirror.git, link, upstream, report.refs, why, report.upstreamSaid),
    (error: Error) => ({ outcome: 'failed' as const, refs: [], why: error.message, upstreamSaid: '' }),
  )
  const statuses = new Map(asked.refs.map(status => [status.ref, status]))
  const refs = report.refs.map(ref => ({
    ...ref,
    status: 'ng' as const,
    reason: asked.why,
    ...statuses.get(ref.ref),
  }))
  await journal.write({ ...entry, report: { ...report, outcome: asked.outcome, refs } })
}
