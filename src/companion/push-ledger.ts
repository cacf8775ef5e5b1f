import { logFault } from '../common/log.ts'
import type { PushReport } from '../contract/outcome.ts'
import type { PushEvent } from '../contract/push-event.ts'
import { recordReport, recordStep } from '../ledger/pushes/write-pushes.ts'

type Step = Extract<PushEvent, { event: 'step-begun' }>

/** The events of one push on their way into its ledger row, in their order. */
export interface PushLedger {
  /** Puts the refs of the push on record. */
  begun(report: PushReport): void
  /** Puts a step on record; one that has ended before its turn to be written comes is left out. */
  step(step: Step): void
  /** Puts the outcome on record. Resolves with false when it could not be written. */
  ended(report: PushReport): Promise<boolean>
}

export function createPushLedger(ledger: D1Database, push: string): PushLedger {
  let writing: Promise<unknown> = Promise.resolve()
  let waiting: Step | undefined
  const write = (work: () => Promise<void>): Promise<boolean> => {
    const written = writing
      .then(work)
      .then(() => true)
      .catch((error: unknown) => {
        logFault({ push }, error)
        return false
      })
    writing = written
    return written
  }
  return {
    begun(report) {
      write(() => recordReport(ledger, report))
    },
    step(step) {
      const isQueued = waiting !== undefined
      waiting = step
      if (isQueued) return
      write(async () => {
        const newest = waiting
        waiting = undefined
        if (newest) await recordStep(ledger, push, newest)
      })
    },
    ended(report) {
      waiting = undefined
      return write(() => recordReport(ledger, report))
    },
  }
}
