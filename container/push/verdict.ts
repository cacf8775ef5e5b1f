import type { Outcome, Reaped, Refusal } from '../../src/contract/outcome.ts'
import type { ClientGone } from '../client/request-body.ts'
import { type RefStatus, refuseAll } from '../git/report-status.ts'
import { GATES_FAULT } from '../process/log.ts'

/** How a push ended, for its ledger row and for every ref. */
export interface Verdict {
  readonly outcome: Exclude<Outcome, 'open'>
  readonly refs: readonly RefStatus[]
  readonly refusals: readonly Refusal[]
  /** Why its client, or its git, was ended early. */
  readonly reaped?: Reaped
}

type Refs = readonly { ref: string }[]

/** One reason for the whole push. */
export const wholePush = (
  reason: string,
  remedy: readonly string[] = [],
  detail: readonly string[] = [],
): Refusal => ({ reason, detail, remedy })

export const refused = (refs: Refs, refusals: readonly Refusal[]): Verdict => ({
  outcome: 'refused',
  refs: refuseAll(refs, refusals),
  refusals,
})

export const failed = (refs: Refs, reason: string, remedy: readonly string[] = []): Verdict => ({
  outcome: 'failed',
  refs: refuseAll(refs, [wholePush(reason, remedy)]),
  refusals: [wholePush(reason, remedy)],
})

/** The gate's own fault kept it from taking the push. */
export const couldNotTake = (refs: Refs, why: string): Verdict =>
  failed(refs, `the gate could not take this push: ${why}`, GATES_FAULT)

/** The gate's own fault kept it from judging the push. */
export const couldNotCheck = (refs: Refs, why: string): Verdict =>
  failed(refs, `the gate could not check this push: ${why}`, GATES_FAULT)

export const abandoned = (refs: Refs, why: ClientGone): Verdict => ({
  outcome: 'abandoned',
  refs: refuseAll(refs, [wholePush(why.message)]),
  refusals: [],
  reaped: why.how,
})
