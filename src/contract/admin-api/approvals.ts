import { z } from 'zod'
import { ApprovalState } from '../approval.ts'
import { RefResult } from '../outcome.ts'
import { Page, Time } from './common.ts'

/** A push that waits for approvals, or has waited. */
export const Approval = z
  .object({
    id: z.string().meta({ description: 'The id of the refused push' }),
    repository: z.string(),
    agent: z.string(),
    state: ApprovalState,
    refs: z.array(RefResult.pick({ ref: true, old: true, new: true })),
    asks: z.array(z.string()).meta({ description: 'The parts of the push that need an approval' }),
    needed: z.number().int(),
    approvedBy: z.array(z.object({ operator: z.string(), at: Time })),
    findings: z.boolean().meta({ description: 'Whether the approval grants exceptions for the findings' }),
    note: z.string().meta({ description: "The agent's reason" }),
    answer: z.string().meta({ description: 'The reason of a rejection, or why the forward failed' }),
    createdAt: Time,
    expiresAt: Time,
    decidedAt: Time.nullable(),
    forward: z.string().nullable().meta({ description: 'The id of the push that forwards it' }),
  })
  .meta({ id: 'Approval' })
export type Approval = z.infer<typeof Approval>

export const ApprovalPage = Page.extend({ approvals: z.array(Approval) }).meta({ id: 'ApprovalPage' })

export const ApprovalQuery = z.object({
  state: ApprovalState.optional(),
  repository: z.string().max(512).optional(),
  cursor: z.string().max(64).optional(),
})

export const Rejection = z
  .strictObject({
    reason: z.string().trim().min(1).max(2000).meta({ description: 'The agent is told it' }),
  })
  .meta({ id: 'Rejection' })
