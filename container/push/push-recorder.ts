import type { ApprovalRequest } from '../../src/contract/approval.ts'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { PushEvent } from '../../src/contract/companion-api/push-event.ts'
import type { PullRequest } from '../../src/contract/hosts/forge.ts'
import type { Finding, Outcome, PushedLfsObject, PushReport, StepTime } from '../../src/contract/outcome.ts'
import { withoutLikelySecrets, withoutTokens } from '../../src/contract/text/unscanned-text.ts'
import type { DiffMask } from '../held/diff-masks.ts'
import type { Entry, Journal } from '../journal/journal.ts'
import { boundedLines, type FirstLines, firstOf } from '../process/bounded-lines.ts'
import { logError } from '../process/log.ts'
import type { PushStateMachine } from './push-state.ts'
import type { Verdict } from './verdict.ts'

/** Above this number of refs, reasons and progress lines are shortened: D1 limits a row to 2 MB. */
const REFS_THRESHOLD = 200

/** Limit of the progress lines that are kept on record. */
const MAX_REMOTE_LINES = { bytes: 64 << 10, lines: 500 }

/**
 * Limit of the refs recorded for a push that was never forwarded, in bytes: a client can repeat such a push
 * at no cost.
 */
const MAX_REFS_BYTES = 32 << 10

/**
 * Limits for text that the secret scan has not checked, in characters: how much is searched for secrets, and
 * how much of that is kept.
 */
const UNSCANNED = { read: 4_000, kept: 512 }

const unscanned = (text: string) =>
  withoutLikelySecrets(text.slice(0, UNSCANNED.read)).slice(0, UNSCANNED.kept)

type Refs = readonly { ref: string; old: string; new: string }[]

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
  /**
   * Refs whose names contain a secret, with the redacted form of each. Only the report for git has the full
   * names.
   */
  readonly secretRefs = new Map<string, string>()
  /** Amount of data that gitleaks has scanned so far. */
  readonly scanned = { bytes: 0, objects: 0, gitleaks: 0 }
  readonly remoteLines: FirstLines = boundedLines(MAX_REMOTE_LINES, line =>
    this.isScanned ? withoutTokens(line) : withoutLikelySecrets(line),
  )
  /**
   * True once the secret scan has checked every ref name and text of the push. Until then likely secrets are
   * removed from all recorded text.
   */
  isScanned = false
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
  #refs: PushReport['refs'] = []
  #refsLeftOut = 0
  #forward: Entry['forward']
  #disconnectReason: PushReport['disconnectReason'] = null
  #ended: PushReport | undefined

  constructor(recording: Recording) {
    this.#recording = recording
  }

  get id(): string {
    return this.#recording.pass.id
  }

  /** Sets the refs. They are written to the journal with the next change. */
  setRefs(named: Refs): void {
    this.#refs = named.map(({ ref, old, new: id }) => ({ ref, old, new: id, status: null, reason: '' }))
  }

  /** Sets the refs and records that the push is being received, before git starts. */
  async beginReceiving(named: Refs): Promise<void> {
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
    this.#endRefs(verdict)
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
    const remoteLines = this.#remoteLinesOnRecord()
    await this.#write({ ...this.#ended, remoteLines, pullRequest }).catch(error => logError(pass.id, error))
    await sendEvent({ event: 'pull-request', pullRequest, remoteLines })
  }

  #report(outcome: Outcome): PushReport {
    return {
      id: this.id,
      outcome,
      step: this.#recording.state.step,
      ms: Math.round(performance.now() - this.#startedMonotonic),
      refs: this.#refs.map(each => ({ ...each, ref: this.#shown(each.ref) })),
      findings: this.findings,
      steps: [...this.#steps],
      exceptionsUsed: this.exceptionsUsed,
      upstreamOutput: this.upstreamOutput,
      remoteLines: this.#remoteLinesOnRecord(),
      disconnectReason: this.#disconnectReason,
      scannedBytes: this.scanned.bytes,
      pullRequest: null,
      lfsObjects: this.isScanned ? [...this.lfsObjects] : [],
      approval: this.approval,
    }
  }

  #endRefs(verdict: Verdict): void {
    const statuses = new Map(verdict.refs.map(status => [status.ref, status]))
    const longest = this.#refs.length > REFS_THRESHOLD ? 80 : 1000
    const ended = this.#refs.map(each => {
      const { status = 'ng', reason = '' } = statuses.get(each.ref) ?? {}
      const words = this.withoutSecretRefs(reason).slice(0, longest)
      return {
        ...each,
        status,
        reason: this.isScanned ? words : withoutLikelySecrets(words),
        ref: this.#shown(each.ref),
      }
    })
    const sizeOf = (ref: PushReport['refs'][number]) => Buffer.byteLength(JSON.stringify(ref))
    const { step } = this.#recording.state
    this.#refs = step === 'forwarding' ? ended : firstOf(ended, MAX_REFS_BYTES, sizeOf)
    this.#refsLeftOut = ended.length - this.#refs.length
  }

  /** Redacts the refs with secrets in a reason: the reason of a ref names the ref that was refused. */
  withoutSecretRefs(reason: string): string {
    let shown = reason
    for (const [ref, redacted] of this.secretRefs) shown = shown.replaceAll(ref, redacted)
    // A reason is cut at a length, and the ref in it too.
    return this.secretRefs.size > 0 ? withoutLikelySecrets(shown) : shown
  }

  #shown(ref: string): string {
    return this.secretRefs.get(ref) ?? (this.isScanned ? ref : unscanned(ref))
  }

  #remoteLinesOnRecord(): string[] {
    const { all } = this.remoteLines
    const named = this.#refs.length + this.#refsLeftOut
    const lines = named > REFS_THRESHOLD ? all.slice(0, REFS_THRESHOLD) : [...all]
    return this.#refsLeftOut
      ? [...lines, `… and ${this.#refsLeftOut} more refs, which are not on record`]
      : lines
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
