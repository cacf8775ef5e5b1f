import type { ApprovalRequest } from '../../../src/contract/approval.ts'
import type { PassFor } from '../../../src/contract/companion-api/pass.ts'
import type { PushEvent } from '../../../src/contract/companion-api/push-event.ts'
import type { PullRequest } from '../../../src/contract/hosts/forge.ts'
import type {
  Finding,
  Outcome,
  PushedLfsObject,
  PushReport,
  StepTime,
} from '../../../src/contract/outcome.ts'
import type { DiffMask } from '../../held/diff-masks.ts'
import type { Entry, Journal } from '../../journal/journal.ts'
import { boundedLines, type FirstLines } from '../../process/bounded-lines.ts'
import { logError } from '../../process/log.ts'
import type { PushStateMachine } from '../push-state.ts'
import type { Verdict } from '../verdict.ts'
import { type NamedRefs, RecordedRefs } from './recorded-refs.ts'
import { RecordedText } from './recorded-text.ts'

/** Limit of the progress lines that are kept on record. */
const MAX_REMOTE_LINES = { bytes: 64 << 10, lines: 500 }

/** Returns the report of a push whose commands have not been read. */
export const emptyReport = (id: string): PushReport => ({
  id,
  outcome: 'open',
  step: 'receiving',
  ms: 0,
  refs: [],
  findings: [],
  steps: [],
  exceptionsUsed: [],
  upstreamOutput: '',
  remoteLines: [],
  disconnectReason: null,
  scannedBytes: 0,
  pullRequest: null,
  lfsObjects: [],
  approval: null,
})

/** Destinations of a push's record: the journal, and then the Worker, by `sendEvent`. */
interface Recording {
  readonly pass: PassFor<'git-receive-pack'>
  readonly journal: Pick<Journal, 'write'>
  readonly state: PushStateMachine
  readonly sendEvent: (event: PushEvent) => Promise<void>
}

/**
 * Records one push in progress. Each change is written to the journal before the push acts on it. The push's duration is
 * measured from the recorder's creation.
 */
export class PushRecorder {
  readonly findings: Finding[] = []
  readonly exceptionsUsed: string[] = []
  /** Amount of data that gitleaks has scanned so far. */
  readonly scanned = { bytes: 0, objects: 0, gitleaks: 0 }
  readonly remoteLines: FirstLines = boundedLines(MAX_REMOTE_LINES, line => this.#text.line(line))
  /** True if the push is refused for nothing but findings whose lines ask for an exception. */
  isDisputed = false
  /** Set when the push waits for an approval. */
  approval: ApprovalRequest | null = null
  /** The secrets that a diff of the push must not show. The journal never has them. */
  diffMask: DiffMask | undefined
  /** The first LFS pointers of the push. They are recorded once the scan has checked their paths. */
  lfsObjects: readonly PushedLfsObject[] = []
  upstreamOutput = ''
  readonly #recording: Recording
  readonly #startedMonotonic = performance.now()
  readonly #startedAt = Date.now()
  readonly #steps: StepTime[] = []
  #stepAt = this.#startedMonotonic
  readonly #text = new RecordedText()
  readonly #refs = new RecordedRefs(this.#text)
  #forward: Entry['forward']
  #disconnectReason: PushReport['disconnectReason'] = null
  #ended: PushReport | undefined

  constructor(recording: Recording) {
    this.#recording = recording
  }

  get id(): string {
    return this.#recording.pass.id
  }

  /** Refs whose names contain a secret, with the redacted form of each. Only the report for git has the full names. */
  get secretRefs(): Map<string, string> {
    return this.#text.secretRefs
  }

  /** True once the secret scan has checked every ref name and text of the push: they are recorded as they are. */
  get isScanned(): boolean {
    return this.#text.isScanned
  }

  set isScanned(isScanned: boolean) {
    this.#text.isScanned = isScanned
  }

  /** Redacts the refs with secrets in the reason of a ref's status. */
  withoutSecretRefs(reason: string): string {
    return this.#text.withoutSecretRefs(reason)
  }

  /** Sets the refs. They are written to the journal with the next change. */
  setRefs(named: NamedRefs): void {
    this.#refs.set(named)
  }

  /** Sets the refs and records that the push is being received, before git starts. */
  async beginReceiving(named: NamedRefs): Promise<void> {
    const { state, sendEvent } = this.#recording
    state.move('receiving')
    this.setRefs(named)
    const read = this.#report('open')
    await this.#write(read)
    await sendEvent({ event: 'commands-read', report: read })
  }

  /** Records the end of the current step and the start of the next. */
  async beginStep(next: 'checking' | 'forwarding', stepName: string): Promise<void> {
    const { state, sendEvent } = this.#recording
    this.#closeStep()
    state.move(next, stepName)
    // Forwarding begins after the last check, the secret scan.
    if (next === 'forwarding') this.isScanned = true
    const openReport = this.#report('open')
    await this.#write(openReport)
    await sendEvent({
      event: 'step-begun',
      step: openReport.step,
      ms: openReport.ms,
      steps: openReport.steps,
    })
  }

  /** Records the process group of the forward: after a crash, recovery ends it. */
  async addForward(pid: number, startedAt: string): Promise<void> {
    this.#forward = { pid, startedAt }
    await this.#write(this.#report('open'))
  }

  /**
   * Records the outcome. The outcome holds even if the journal cannot write it: the journal keeps it in
   * memory then.
   */
  async end(verdict: Verdict): Promise<void> {
    const { pass, sendEvent } = this.#recording
    this.#closeStep()
    this.#refs.end(verdict.refs, this.#recording.state.step === 'forwarding')
    this.#disconnectReason = verdict.disconnectReason ?? null
    const ended = this.#report(verdict.outcome)
    this.#ended = ended
    // The journal returns this entry from memory if it cannot write it.
    await this.#write(ended).catch(error => logError(pass.id, error))
    logEnd(pass, ended)
    await sendEvent({ event: 'ended', report: ended })
  }

  /** Adds the pull request of an accepted push to its record; null: the host gave none. */
  async addPullRequest(pullRequest: PullRequest | null): Promise<void> {
    const { pass, sendEvent } = this.#recording
    if (!this.#ended) throw new Error('a push that has not ended has no pull request')
    const remoteLines = this.#refs.limitLines(this.remoteLines.all)
    await this.#write({ ...this.#ended, remoteLines, pullRequest }).catch(error => logError(pass.id, error))
    await sendEvent({ event: 'pull-request', pullRequest, remoteLines })
  }

  #report(outcome: Outcome): PushReport {
    return {
      id: this.id,
      outcome,
      step: this.#recording.state.step,
      ms: Math.round(performance.now() - this.#startedMonotonic),
      refs: this.#refs.all,
      findings: this.findings,
      steps: [...this.#steps],
      exceptionsUsed: this.exceptionsUsed,
      upstreamOutput: this.upstreamOutput,
      remoteLines: this.#refs.limitLines(this.remoteLines.all),
      disconnectReason: this.#disconnectReason,
      scannedBytes: this.scanned.bytes,
      pullRequest: null,
      lfsObjects: this.isScanned ? [...this.lfsObjects] : [],
      approval: this.approval,
    }
  }

  async #write(report: PushReport): Promise<void> {
    const { pass, journal } = this.#recording
    const forward = this.#forward && { forward: this.#forward }
    await journal.write({ report, upstream: pass.repository, startedAt: this.#startedAt, ...forward })
  }

  #closeStep(): void {
    const now = performance.now()
    this.#steps.push({ step: this.#recording.state.step, ms: Math.round(now - this.#stepAt) })
    this.#stepAt = now
  }
}

function logEnd({ id, agent, repository }: PassFor<'git-receive-pack'>, report: PushReport): void {
  const { outcome, step, steps, disconnectReason, scannedBytes } = report
  console.log(
    JSON.stringify({
      level: 'info',
      push: id,
      repository: repository.name,
      agent,
      outcome,
      step,
      steps,
      ...(disconnectReason ? { disconnectReason } : {}),
      scannedBytes,
    }),
  )
}
