import { logError } from '../../common/log.ts'
import type { PushEvent } from '../../contract/companion-api/push-event.ts'
import type { PushReport } from '../../contract/outcome.ts'
import { recordPullRequest, recordReport, recordStep } from '../../ledger/pushes/write-pushes.ts'

type Step = Extract<PushEvent, { event: 'step-begun' }>
type PullRequestKnown = Extract<PushEvent, { event: 'pull-request' }>

/** Writes the events of one push to its ledger row, in order. */
export interface PushLedger {
  /** Records the refs of the push. */
  started(report: PushReport): void
  /**
   * Records a step if it lasts longer than STEP_MS: each write costs, and the steps of a small push are
   * short.
   */
  step(step: Step): void
  /** Records the outcome. Resolves with false if the write failed. */
  ended(report: PushReport): Promise<boolean>
  /** Records the pull request of the ended push. Resolves with false if the write failed. */
  pullRequest(known: PullRequestKnown): Promise<boolean>
}

/** Duration after which a running step is recorded, in milliseconds. */
const STEP_MS = 200

export function createPushLedger(ledger: D1Database, push: string): PushLedger {
  let writing: Promise<unknown> = Promise.resolve()
  let current: Step | undefined
  let timer: number | null = null
  const write = (work: () => Promise<void>): Promise<boolean> => {
    const written = writing
      .then(work)
      .then(() => true)
      .catch((error: unknown) => {
        logError({ push }, error)
        return false
      })
    writing = written
    return written
  }
  return {
    started(report) {
      write(() => recordReport(ledger, report))
    },
    step(step) {
      current = step
      timer ??= setTimeout(() => {
        timer = null
        write(async () => {
          if (current) await recordStep(ledger, push, current)
        })
      }, STEP_MS)
    },
    ended(report) {
      clearTimeout(timer)
      current = undefined
      return write(() => recordReport(ledger, report))
    },
    pullRequest: known => write(() => recordPullRequest(ledger, push, known)),
  }
}
