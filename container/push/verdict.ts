import type { DisconnectReason, Outcome, Refusal } from '../../src/contract/outcome.ts'
import type { ClientGone } from '../client/request-body.ts'
import { type RefStatus, rejectAll } from '../git/report-status.ts'
import { GATE_FAULT_ADVICE } from '../process/log.ts'

/** How a push ended, for its ledger row and for every ref. */
export interface Verdict {
  readonly outcome: Exclude<Outcome, 'open'>
  readonly refs: readonly RefStatus[]
  readonly refusals: readonly Refusal[]
  /** Why its client, or its git, was ended early. */
  readonly reaped?: DisconnectReason
}

type Refs = readonly { ref: string }[]

/** One reason for the whole push. */
export const pushRefusal = (
  reason: string,
  remedy: readonly string[] = [],
  detail: readonly string[] = [],
): Refusal => ({ reason, detail, remedy })

export const refused = (refs: Refs, refusals: readonly Refusal[]): Verdict => ({
  outcome: 'refused',
  refs: rejectAll(refs, refusals),
  refusals,
})

export const failed = (refs: Refs, reason: string, remedy: readonly string[] = []): Verdict => ({
  outcome: 'failed',
  refs: rejectAll(refs, [pushRefusal(reason, remedy)]),
  refusals: [pushRefusal(reason, remedy)],
})

/** The gate's own fault kept it from taking the push. */
export const couldNotTake = (refs: Refs, why: string): Verdict =>
  failed(refs, `the gate could not take this push: ${why}`, GATE_FAULT_ADVICE)

/** The gate's own fault kept it from judging the push. */
export const couldNotCheck = (refs: Refs, why: string): Verdict =>
  failed(refs, `the gate could not check this push: ${why}`, GATE_FAULT_ADVICE)

export const abandoned = (refs: Refs, why: ClientGone): Verdict => ({
  outcome: 'abandoned',
  refs: rejectAll(refs, [pushRefusal(why.message)]),
  refusals: [],
  reaped: why.reason,
})
