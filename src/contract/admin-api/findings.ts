import { z } from 'zod'
import { RepositoryName } from '../names.ts'
import { Finding, Fingerprint } from '../outcome.ts'
import { Limit, Page, Time } from './common.ts'

export const NewException = z
  .strictObject({
    repository: RepositoryName,
    fingerprint: Fingerprint,
    reason: z.string().min(1).max(2000),
    until: Time.nullable().default(null),
  })
  .meta({ id: 'NewException' })

export const GrantedException = z
  .object({
    id: z.string(),
    repository: RepositoryName,
    fingerprint: z.string(),
    reason: z.string(),
    grantedBy: z.string(),
    createdAt: Time,
    until: Time.nullable(),
    revokedAt: Time.nullable(),
  })
  .meta({ id: 'Exception' })
export type GrantedException = z.infer<typeof GrantedException>

/** A request to decline a finding. */
export const NewDecline = z
  .strictObject({
    repository: RepositoryName,
    fingerprint: Fingerprint,
    reason: z.string().max(2000).default('').meta({ description: 'What the agent is told at its next push' }),
  })
  .meta({ id: 'NewDecline' })

export const Declined = z
  .object({
    repository: RepositoryName,
    fingerprint: z.string(),
    reason: z.string(),
    declinedBy: z.string(),
    createdAt: Time,
  })
  .meta({ id: 'Declined' })
export type Declined = z.infer<typeof Declined>

export const DeclinedPage = Page.extend({ declined: z.array(Declined) }).meta({ id: 'DeclinedPage' })

export const DeclinedQuery = z.object({
  repository: z.string().max(512).optional(),
  limit: Limit,
  cursor: z
    .string()
    .regex(/^\d{1,9}$/)
    .optional(),
})

/** A finding that waits for a decision, with the last push that the gate refused because of it. */
export const Pending = z
  .object({
    repository: RepositoryName,
    agent: z.string(),
    push: z.string().meta({ description: 'The id of the last refused push' }),
    pushes: z.number().int().meta({ description: 'The number of refused pushes' }),
    lastAt: Time,
    refs: z.array(z.string()).meta({ description: 'The refs of the last refused push' }),
    finding: Finding,
  })
  .meta({ id: 'PendingFinding' })
export type Pending = z.infer<typeof Pending>

export const PendingPage = Page.extend({ pending: z.array(Pending) }).meta({ id: 'PendingPage' })

/** A decision on several pending findings of a repository. */
export const NewDecision = z
  .strictObject({
    repository: RepositoryName,
    decision: z.enum(['allow', 'decline']),
    reason: NewException.shape.reason,
    until: Time.nullable().default(null),
    select: z
      .strictObject({
        fingerprints: z.array(Fingerprint).min(1).max(500).optional(),
        push: z.string().max(64).optional(),
        rule: z.string().max(200).optional(),
        path: z.string().max(512).optional().meta({ description: 'A glob over the paths of findings' }),
      })
      .meta({ description: 'The pending findings that fit every given part; without a part, all' }),
  })
  .meta({ id: 'NewDecision' })

export const DecisionResult = z
  .object({ repository: RepositoryName, fingerprints: z.array(z.string()) })
  .meta({ id: 'DecisionResult' })
