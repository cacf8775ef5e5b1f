import type { Finding, Outcome, PushReport, Reaped, Refusal } from '../../src/contract/outcome.ts'
import type { PassFor } from '../../src/contract/pass.ts'
import type { Scanned } from '../../src/contract/status.ts'
import { withoutLikelySecrets, withoutTokens } from '../../src/contract/unscanned-text.ts'
import type { ClientGone } from '../http/request-body.ts'
import type { Entry, Journal } from '../journal/journal.ts'
import { logFault } from '../process/log.ts'
import { type FirstLines, firstLines, firstOf } from './bounded-lines.ts'
import { type RefStatus, refuseAll } from './report-status.ts'

/** How a push ended, for its ledger row and for every ref. */
export interface Verdict {
  readonly outcome: Exclude<Outcome, 'open'>
  readonly refs: readonly RefStatus[]
  readonly refusals: readonly Refusal[]
  /** Its session was let go. */
  readonly reaped?: Reaped
}

/** One reason for the whole push. */
export const wholePush = (
  reason: string,
  remedy: readonly string[] = [],
  detail: readonly string[] = [],
): Refusal => ({
  reason,
  detail,
  remedy,
})

export const refused = (refs: readonly { ref: string }[], refusals: readonly Refusal[]): Verdict => ({
  outcome: 'refused',
  refs: refuseAll(refs, refusals),
  refusals,
})

export const failed = (
  refs: readonly { ref: string }[],
  reason: string,
  remedy: readonly string[] = [],
): Verdict => ({
  outcome: 'failed',
  refs: refuseAll(refs, [wholePush(reason, remedy)]),
  refusals: [wholePush(reason, remedy)],
})

export const abandoned = (refs: readonly { ref: string }[], why: ClientGone): Verdict => ({
  outcome: 'abandoned',
  refs: refuseAll(refs, [wholePush(why.message)]),
  refusals: [],
  reaped: why.how,
})

/** From here on a push is recorded in fewer words: D1 takes no row above 2 MB. */
const MANY_REFS = 200

/** What is kept on record of what the agent is told. */
const MOST_TOLD = { bytes: 64 << 10, lines: 500 }

/** Of a push that upstream never saw, so many bytes of refs are kept: repeating it costs its client nothing. */
const MOST_REFS_BYTES = 32 << 10

/** Of text that no scan has seen, so many characters are looked at and kept. */
const UNSCANNED = { read: 4_000, kept: 512 }

const unscanned = (text: string) =>
  withoutLikelySecrets(text.slice(0, UNSCANNED.read)).slice(0, UNSCANNED.kept)

/** What is on record of one push while it goes through; every turn of it is in the journal before it is acted on. */
export interface PushRecord {
  readonly id: string
  readonly findings: Finding[]
  readonly exceptionsUsed: string[]
  readonly told: FirstLines
  /** Refs whose names hold a secret, and how each may be shown: only git's own report has them in full. */
  readonly secretRefs: Map<string, string>
  /** The scan has judged every name and text of the push. Until then none is kept that may hold a secret. */
  isScanned: boolean
  /** What gitleaks was given of it so far. */
  readonly scanned: Scanned
  upstreamSaid: string
  /** Names the refs, before git starts. */
  begin(refs: readonly { ref: string; old: string; new: string }[]): Promise<void>
  /** Enters the next step by name, and closes the one before. */
  step(name: string): Promise<void>
  /** A forward has begun in this process group. */
  forwarding(pid: number, startedAt: string): Promise<void>
  /** The outcome. It stands even if it cannot be written down: the journal then keeps it in memory. */
  end(verdict: Verdict): Promise<void>
}

/** The report of a push of which only the id is known yet. */
export const justBegun = (id: string): PushReport => ({
  id,
  outcome: 'open',
  phase: 'receiving',
  ms: 0,
  refs: [],
  findings: [],
  steps: [],
  exceptionsUsed: [],
  upstreamSaid: '',
  told: [],
  reaped: null,
  scannedBytes: 0,
})

export function recordPush(pass: PassFor<'git-receive-pack'>, journal: Journal): PushRecord {
  const startedAt = performance.now()
  const begunAt = Date.now()
  const steps: { step: string; ms: number }[] = []
  let phase = 'receiving'
  let stepAt = startedAt
  let refs: PushReport['refs'] = []
  let refsLeftOut = 0
  let forward: Entry['forward']
  let reaped: PushReport['reaped'] = null
  const scanned = { bytes: 0, objects: 0, gitleaks: 0 }
  const findings: Finding[] = []
  const exceptionsUsed: string[] = []
  const told = firstLines(MOST_TOLD, line =>
    record.isScanned ? withoutTokens(line) : withoutLikelySecrets(line),
  )
  const secretRefs = new Map<string, string>()
  const record: PushRecord = {
    id: pass.id,
    findings,
    exceptionsUsed,
    told,
    secretRefs,
    isScanned: false,
    scanned,
    upstreamSaid: '',
    begin,
    step,
    forwarding,
    end,
  }
  return record

  function write(outcome: Outcome): Promise<void> {
    const ms = Math.round(performance.now() - startedAt)
    const { id, repository } = pass
    return journal.write({
      report: {
        id,
        outcome,
        phase,
        ms,
        refs: refs.map(each => ({ ...each, ref: shown(each.ref) })),
        findings,
        steps,
        exceptionsUsed,
        upstreamSaid: record.upstreamSaid,
        told: toldOnRecord(),
        reaped,
        scannedBytes: scanned.bytes,
      },
      upstream: repository,
      startedAt: begunAt,
      ...(forward ? { forward } : {}),
    })
  }
  function shown(ref: string): string {
    return secretRefs.get(ref) ?? (record.isScanned ? ref : unscanned(ref))
  }
  function toldOnRecord(): string[] {
    const named = refs.length + refsLeftOut
    const lines = named > MANY_REFS ? told.all.slice(0, MANY_REFS) : [...told.all]
    return refsLeftOut ? [...lines, `… and ${refsLeftOut} more refs, which are not on record`] : lines
  }
  function closeStep(): void {
    const now = performance.now()
    steps.push({ step: phase, ms: Math.round(now - stepAt) })
    stepAt = now
  }
  async function begin(named: readonly { ref: string; old: string; new: string }[]): Promise<void> {
    refs = named.map(({ ref, old, new: id }) => ({ ref, old, new: id, status: null, reason: '' }))
    await write('open')
  }
  async function step(name: string): Promise<void> {
    closeStep()
    phase = name
    // It comes after the last check.
    if (name === 'forwarding') record.isScanned = true
    await write('open')
  }
  async function forwarding(pid: number, at: string): Promise<void> {
    forward = { pid, startedAt: at }
    await write('open')
  }
  async function end(verdict: Verdict): Promise<void> {
    closeStep()
    const statuses = new Map(verdict.refs.map(status => [status.ref, status]))
    const longest = refs.length > MANY_REFS ? 80 : 1000
    const ended = refs.map(each => {
      const { status = 'ng', reason = '' } = statuses.get(each.ref) ?? {}
      const words = reason.slice(0, longest)
      return {
        ...each,
        status,
        reason: record.isScanned ? words : withoutLikelySecrets(words),
        ref: shown(each.ref),
      }
    })
    const sizeOf = (ref: PushReport['refs'][number]) => Buffer.byteLength(JSON.stringify(ref))
    refs = phase === 'forwarding' ? ended : firstOf(ended, MOST_REFS_BYTES, sizeOf)
    refsLeftOut = ended.length - refs.length
    reaped = verdict.reaped ?? null
    await write(verdict.outcome).catch(error => logFault(pass.id, error))
    const { id, agent, repository } = pass
    const { outcome } = verdict
    console.log(
      JSON.stringify({
        level: 'info',
        push: id,
        repository: repository.name,
        agent,
        outcome,
        phase,
        steps,
        ...(reaped ? { reaped } : {}),
        scannedBytes: scanned.bytes,
      }),
    )
  }
}
