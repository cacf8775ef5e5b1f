import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { NEXT_STEP, type PushReport, type UpstreamState } from '../../src/contract/outcome.ts'
import { queryOrUnknown } from '../forward/query-upstream.ts'
import { reasonForGit } from '../git/report-status.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import { logError } from '../process/log.ts'
import { endOrphans, isAlive } from '../process/orphans.ts'
import { killGroup } from '../process/spawn.ts'
import type { Settings } from '../settings.ts'
import type { Links } from '../upstream/links.ts'
import type { Entry, Journal } from './journal.ts'

/** Dependencies of recovery. */
export interface RecoveryDeps {
  readonly journal: Journal
  readonly mirrors: Mirrors
  readonly links: Links
  readonly settings: Settings
}

const WHY = 'the companion was restarted before this push was done'

/** Pause before an upstream that does not answer is queried again, in milliseconds. */
const ASK_AGAIN_MS = 30_000

/**
 * Settles the pushes that a crash interrupted. It ends their processes, and fails every push that was not yet
 * forwarded. A forward may continue in the background, since upstream can still accept it; when it has ended,
 * upstream's refs determine the outcome.
 */
export async function recover(settling: RecoveryDeps): Promise<void> {
  const { journal, mirrors, settings } = settling
  const open = await journal.listOpen()
  const [forwarded, others] = [open.filter(wasForwarded), open.filter(entry => !wasForwarded(entry))]
  const forwards = forwarded.flatMap(({ forward }) => (forward ? [forward] : []))
  // A forward that the earlier process started uses that process's ssh connection, so ssh is kept alive.
  await endOrphans(
    orphan => forwards.length > 0 && (orphan.name === 'ssh' || forwards.some(f => f.pid === orphan.group)),
  )
  await rm(join(settings.home, 'scratch'), { recursive: true, force: true })
  await mirrors.cleanUpAll()
  // On a full disk the journal returns these entries from memory.
  await Promise.all(others.map(entry => journal.write(asFailed(entry, WHY)).catch(logFor(entry))))
  const deadline = Date.now() + settings.forwardMs
  const settlements = forwarded.map(entry => settleForward(entry, deadline, settling).catch(logFor(entry)))
  if (forwards.length)
    Promise.all(settlements)
      .then(() => endOrphans(() => false))
      .catch((error: unknown) => logError('', error))
}

const logFor = (entry: Entry) => (error: unknown) => logError(entry.report.id, error)

const wasForwarded = ({ report }: Entry) => report.step === 'forwarding'

function asFailed(entry: Entry, reason: string): Entry {
  const refs = entry.report.refs.map(ref => ({
    ...ref,
    status: 'ng' as const,
    reason: reasonForGit(reason),
  }))
  return ended(entry, 'failed', refs)
}

async function settleForward(entry: Entry, deadline: number, settling: RecoveryDeps): Promise<void> {
  const { forward, report, upstream } = entry
  while (forward && isAlive(forward) && Date.now() < deadline) await delay(100)
  if (forward && isAlive(forward)) killGroup(forward)
  for (;;) {
    const upstreamState = await queryOrUnknown(upstream, report.refs, settling)
    if (upstreamState === 'unknown') {
      await delay(ASK_AGAIN_MS, undefined, { ref: false })
      continue
    }
    return settling.journal.write(asSettled(upstreamState, entry))
  }
}

function asSettled(has: Exclude<UpstreamState, 'unknown'>, entry: Entry): Entry {
  if (has !== 'applied') return asFailed(entry, `${WHY}; ${NEXT_STEP[has]}`)
  const refs = entry.report.refs.map(ref => ({ ...ref, status: 'ok' as const, reason: '' }))
  return ended(entry, 'accepted', refs)
}

/**
 * Ends an entry with an outcome. Its duration extends to now, because upstream may have worked on it until
 * now.
 */
function ended(entry: Entry, outcome: 'accepted' | 'failed', refs: PushReport['refs']): Entry {
  const { report, startedAt } = entry
  const ms = startedAt === undefined ? report.ms : Date.now() - startedAt
  return { ...entry, report: { ...report, outcome, refs, ms } }
}
