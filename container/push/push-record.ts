import type { Finding, Outcome, PushReport, StepTime } from '../../src/contract/outcome.ts'
import type { PassFor } from '../../src/contract/pass.ts'
import type { PushEvent } from '../../src/contract/push-event.ts'
import type { Scanned } from '../../src/contract/status.ts'
import { withoutTokens } from '../checks/index.ts'
import type { Entry, Journal } from '../journal/journal.ts'
import { logFault } from '../process/log.ts'
import { type FirstLines, firstLines } from './bounded-lines.ts'
import type { PushProgress } from './push-state.ts'
import type { Verdict } from './verdict.ts'

/** From here on a push is recorded in fewer words: D1 takes no row above 2 MB. */
const MANY_REFS = 200

/** What is kept on record of what the agent is told. */
const MOST_TOLD = { bytes: 256 << 10, lines: 500 }

/** A push on record while it goes through; every turn of it is in the journal before it is acted on. */
export interface PushRecord {
  readonly id: string
  readonly findings: Finding[]
  readonly exceptionsUsed: string[]
  readonly told: FirstLines
  /** Refs whose names hold a secret, and how each may be shown: only git's own report has them in full. */
  readonly secretRefs: Map<string, string>
  /** What gitleaks was given of it so far. */
  readonly scanned: Scanned
  upstreamSaid: string
  /** Names the refs; they are written with the next turn. */
  name(refs: Refs): void
  /** The command list is taken: names the refs, before git starts. */
  receiving(refs: Refs): Promise<void>
  /** Enters the next step by its name, and closes the one before. */
  step(state: 'checking' | 'forwarding', name: string): Promise<void>
  /** A forward has begun in this process group. */
  forwardStarted(pid: number, startedAt: string): Promise<void>
  /** The outcome. It stands even if it cannot be written down: the journal then keeps it in memory. */
  end(verdict: Verdict): Promise<void>
}

type Refs = readonly { ref: string; old: string; new: string }[]

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

/** What a record is kept with: the journal, and where each turn is told as soon as it is written. */
export interface Recording {
  readonly pass: PassFor<'git-receive-pack'>
  readonly journal: Pick<Journal, 'write'>
  readonly progress: PushProgress
  readonly tell: (event: PushEvent) => Promise<void>
}

/** Records one push, from now on. */
export const recordPush = (recording: Recording): PushRecord => new Recorder(recording)

class Recorder implements PushRecord {
  readonly findings: Finding[] = []
  readonly exceptionsUsed: string[] = []
  readonly secretRefs = new Map<string, string>()
  readonly scanned = { bytes: 0, objects: 0, gitleaks: 0 }
  readonly told: FirstLines
  upstreamSaid = ''
  readonly #recording: Recording
  readonly #startedAt = performance.now()
  readonly #begunAt = Date.now()
  readonly #steps: StepTime[] = []
  #stepAt = this.#startedAt
  #refs: PushReport['refs'] = []
  #forward: Entry['forward']
  #reaped: PushReport['reaped'] = null

  constructor(recording: Recording) {
    this.#recording = recording
    const lines = firstLines(MOST_TOLD)
    this.told = {
      add: line => lines.add(withoutTokens(line)),
      get all() {
        return lines.all
      },
    }
  }

  get id(): string {
    return this.#recording.pass.id
  }

  name(named: Refs): void {
    this.#refs = named.map(({ ref, old, new: id }) => ({ ref, old, new: id, status: null, reason: '' }))
  }

  async receiving(named: Refs): Promise<void> {
    const { progress, tell } = this.#recording
    progress.move('receiving')
    this.name(named)
    const read = this.#report('open')
    await this.#write(read)
    await tell({ event: 'commands-read', report: read })
  }

  async step(state: 'checking' | 'forwarding', called: string): Promise<void> {
    const { progress, tell } = this.#recording
    this.#closeStep()
    progress.move(state, called)
    const begun = this.#report('open')
    await this.#write(begun)
    await tell({ event: 'step-begun', phase: begun.phase, ms: begun.ms, steps: begun.steps })
  }

  async forwardStarted(pid: number, startedAt: string): Promise<void> {
    this.#forward = { pid, startedAt }
    await this.#write(this.#report('open'))
  }

  async end(verdict: Verdict): Promise<void> {
    const { pass, tell } = this.#recording
    this.#closeStep()
    this.#refs = withStatuses(this.#refs, verdict, this.secretRefs)
    this.#reaped = verdict.reaped ?? null
    const ended = this.#report(verdict.outcome)
    // The journal answers from memory what it could not write.
    await this.#write(ended).catch(error => logFault(pass.id, error))
    logEnd(pass, ended)
    await tell({ event: 'ended', report: ended })
  }

  #report(outcome: Outcome): PushReport {
    const told = this.told.all
    return {
      id: this.id,
      outcome,
      phase: this.#recording.progress.step,
      ms: Math.round(performance.now() - this.#startedAt),
      refs: this.#refs,
      findings: this.findings,
      steps: [...this.#steps],
      exceptionsUsed: this.exceptionsUsed,
      upstreamSaid: this.upstreamSaid,
      told: this.#refs.length > MANY_REFS ? told.slice(0, MANY_REFS) : [...told],
      reaped: this.#reaped,
      scannedBytes: this.scanned.bytes,
    }
  }

  async #write(report: PushReport): Promise<void> {
    const { pass, journal } = this.#recording
    const forward = this.#forward && { forward: this.#forward }
    await journal.write({ report, upstream: pass.repository, startedAt: this.#begunAt, ...forward })
  }

  #closeStep(): void {
    const now = performance.now()
    this.#steps.push({ step: this.#recording.progress.step, ms: Math.round(now - this.#stepAt) })
    this.#stepAt = now
  }
}

/** The refs with what became of each, and each name as it may be shown. */
function withStatuses(
  refs: PushReport['refs'],
  verdict: Verdict,
  secretRefs: PushRecord['secretRefs'],
): PushReport['refs'] {
  const statuses = new Map(verdict.refs.map(status => [status.ref, status]))
  const longest = refs.length > MANY_REFS ? 80 : 1000
  // A name that was refused before the scan may hold what that would have found.
  const shown = verdict.outcome === 'accepted' ? (ref: string) => ref : withoutTokens
  return refs.map(each => {
    const { status = 'ng', reason = '' } = statuses.get(each.ref) ?? {}
    const ref = secretRefs.get(each.ref) ?? shown(each.ref)
    return { ...each, status, reason: reason.slice(0, longest), ref }
  })
}

function logEnd({ id, agent, repository }: PassFor<'git-receive-pack'>, report: PushReport): void {
  const { outcome, phase, steps, reaped, scannedBytes } = report
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
      scannedBytes,
    }),
  )
}
