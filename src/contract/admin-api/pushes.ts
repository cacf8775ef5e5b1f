import { z } from 'zod'
import { Finding, Outcome, PushReport, RefResult } from '../outcome.ts'
import { Limit, Page, Time } from './common.ts'

/** A push in a list. */
export const Push = z
  .object({
    id: z.string(),
    repository: z.string(),
    agent: z.string(),
    outcome: Outcome,
    startedAt: Time,
    ms: z.number(),
    refs: z.array(RefResult),
    findings: z.array(Finding.pick({ rule: true, path: true, line: true, commit: true, fingerprint: true })),
  })
  .meta({ id: 'Push' })
export type Push = z.infer<typeof Push>

/** The complete record of a push in the ledger. */
export const PushRecord = z
  .object({
    ...PushReport.shape,
    repository: z.string(),
    agent: z.string(),
    tokenId: z.string(),
    startedAt: Time,
    clientAddress: z.string(),
    clientVersion: z.string(),
  })
  .meta({ id: 'PushRecord' })
export type PushRecord = z.infer<typeof PushRecord>

export const PushPage = Page.extend({ pushes: z.array(Push) }).meta({ id: 'PushPage' })
export type PushPage = z.infer<typeof PushPage>

export const PushQuery = z.object({
  repository: z.string().max(512).optional(),
  agent: z.string().max(64).optional(),
  outcome: Outcome.optional(),
  search: z.string().trim().min(1).max(200).optional().meta({
    description: 'Part of a name, an object id, a path or a rule; a page reads the newest 10,000 pushes',
  }),
  since: Time.optional(),
  until: Time.optional(),
  limit: Limit,
  cursor: z.string().max(64).optional(),
})
export type PushQuery = z.infer<typeof PushQuery>
