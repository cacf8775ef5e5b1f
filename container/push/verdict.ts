import type { DisconnectReason, Outcome, Refusal } from '../../src/contract/outcome.ts'
import type { ClientGone } from '../client/request-body.ts'
import { type RefStatus, rejectAll, statusForAll } from '../git/report-status.ts'

/** Outcome of a push, for its ledger row and for the report on every ref. */
export interface Verdict {
  readonly outcome: Exclude<Outcome, 'open'>
  readonly refs: readonly RefStatus[]
  readonly refusals: readonly Refusal[]
  /** Reason why the client was disconnected or git was killed. */
  readonly disconnectReason?: DisconnectReason
}

type Refs = readonly { ref: string }[]

/** Creates a refusal of the whole push. */
export const pushRefusal = (
  reason: string,
  remedy: readonly string[] = [],
  detail: readonly string[] = [],
): Refusal => ({ reason, detail, remedy })

export const accepted = (refs: Refs): Verdict => ({
  outcome: 'accepted',
  refs: statusForAll(refs, '', 'ok'),
  refusals: [],
})

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

/** Adds the refs that the push does not change, with the outcome of the others. */
export const withNoOps = (verdict: Verdict, noOps: Refs): Verdict => {
  if (noOps.length === 0) return verdict
  const rest =
    verdict.outcome === 'accepted' ? statusForAll(noOps, '', 'ok') : rejectAll(noOps, verdict.refusals)
  return { ...verdict, refs: [...verdict.refs, ...rest] }
}

/** The advice to an agent after a fault of the gate. */
const GATE_FAULT_ADVICE: readonly string[] = [
  "this is the gate's fault, not the push's: push again; if it happens again, tell the operator",
]

/** Fails a push that the gate could not receive through a fault of its own. */
export const couldNotTake = (refs: Refs, reason: string): Verdict =>
  failed(refs, `the gate could not take this push: ${reason}`, GATE_FAULT_ADVICE)

/** Fails a push that the gate could not check through a fault of its own. */
export const couldNotCheck = (refs: Refs, reason: string): Verdict =>
  failed(refs, `the gate could not check this push: ${reason}`, GATE_FAULT_ADVICE)

export const abandoned = (refs: Refs, cause: ClientGone): Verdict => ({
  outcome: 'abandoned',
  refs: rejectAll(refs, [pushRefusal(cause.message)]),
  refusals: [],
  disconnectReason: cause.reason,
})
