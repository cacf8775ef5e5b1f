import { logFault } from '../common/log.ts'
import type { PushReport } from '../contract/outcome.ts'
import type { PushEvent } from '../contract/push-event.ts'
import { recordReport, recordStep } from '../ledger/pushes/write-pushes.ts'

type Step = Extract<PushEvent, { event: 'step-begun' }>

/** The events of one push on their way into its ledger row, in their order. */
export interface PushLedger {
  /** Puts the refs of the push on record. */
  begun(report: PushReport): void
  /** Puts a step on record if it lasts: each write costs, and the steps of a small push are quick. */
  step(step: Step): void
  /** Puts the outcome on record. Resolves with false when it could not be written. */
  ended(report: PushReport): Promise<boolean>
}

/** A step that lasts longer than this is written, in milliseconds. */
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
  }
}
