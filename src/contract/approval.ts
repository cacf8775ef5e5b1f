import { z } from 'zod'

/** A push that waits for an approval, as the companion reports it. */
export const ApprovalRequest = z.object({
  /** Identifies the change: a hash of the refs with their old and new ids. */
  change: z.string(),
  /** The parts of the push that need an approval, a line each. */
  asks: z.array(z.string()),
  /** The number of operators who have to approve. */
  needed: z.number().int().positive(),
  /** True if the approval grants exceptions for the findings of the push. */
  findings: z.boolean(),
  /** The time at which the objects of the push are deleted, in Unix milliseconds. */
  until: z.number(),
})
export type ApprovalRequest = z.infer<typeof ApprovalRequest>

/**
 * The state of an approval. `approved`: the gate forwards the push. `failed`: it could not, as the answer says.
 * `replaced`: the agent has pushed the same change again, and that push waits.
 */
export const ApprovalState = z.enum([
  'waiting',
  'approved',
  'forwarded',
  'rejected',
  'failed',
  'expired',
  'replaced',
])
export type ApprovalState = z.infer<typeof ApprovalState>

/** An earlier push of the same agent, which a new push of the same change is told of. */
export const KnownApproval = z.object({
  /** The id of the push. */
  id: z.string(),
  change: z.string(),
  state: ApprovalState.extract(['waiting', 'approved', 'rejected']),
  /** The reason of a rejection. */
  answer: z.string(),
  /** R2 keeps the push, so that it waits even if the companion has lost it. */
  isKept: z.boolean(),
})
export type KnownApproval = z.infer<typeof KnownApproval>
