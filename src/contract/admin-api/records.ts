import { z } from 'zod'
import { HostCallResult } from '../hosts/host-call.ts'
import { Oid } from '../lfs.ts'
import { Finding } from '../outcome.ts'
import { Limit, Page, Time } from './common.ts'

export const PageQuery = z.object({
  limit: Limit,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
})

/** An operator's change, in the audit log. */
export const AuditEntry = z
  .object({
    id: z.number().int(),
    at: Time,
    operator: z.string(),
    action: z.string().meta({ examples: ['repository.add', 'token.revoke'] }),
    subject: z.string(),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEntry' })
export type AuditEntry = z.infer<typeof AuditEntry>

export const AuditLogPage = Page.extend({ entries: z.array(AuditEntry) }).meta({ id: 'AuditLogPage' })

/** The number of failed authentications of an address in a minute. */
export const AuthFailures = z
  .object({ address: z.string(), at: Time, count: z.number().int() })
  .meta({ id: 'AuthFailures' })
export type AuthFailures = z.infer<typeof AuthFailures>

export const FetchQuery = PageQuery.extend({
  repository: z.string().max(512).optional(),
  agent: z.string().max(64).optional(),
  since: Time.optional(),
  until: Time.optional(),
})
export type FetchQuery = z.infer<typeof FetchQuery>

export const Fetch = z
  .object({
    id: z.number().int(),
    at: Time,
    repository: z.string(),
    agent: z.string(),
    tokenId: z.string(),
    clientAddress: z.string(),
    clientVersion: z.string(),
  })
  .meta({ id: 'Fetch' })
export type Fetch = z.infer<typeof Fetch>

/** A transfer of an LFS object. The gate grants a download in the answer to a batch. */
export const LfsTransfer = z
  .object({
    id: z.string(),
    at: Time,
    repository: z.string(),
    agent: z.string(),
    tokenId: z.string(),
    operation: z.enum(['upload', 'download']),
    oid: z.string(),
    size: z.number(),
    outcome: z.enum(['accepted', 'refused', 'failed', 'granted', 'missing']),
    /** The first line of a refusal. */
    reason: z.string(),
    findings: z.array(Finding),
    exceptionsUsed: z.array(z.string()),
    ms: z.number(),
  })
  .meta({ id: 'LfsTransfer' })
export type LfsTransfer = z.infer<typeof LfsTransfer>

export const LfsTransferPage = Page.extend({ transfers: z.array(LfsTransfer) }).meta({
  id: 'LfsTransferPage',
})

export const LfsTransferQuery = z.object({
  repository: z.string().max(512).optional(),
  agent: z.string().max(64).optional(),
  oid: Oid.optional(),
  outcome: LfsTransfer.shape.outcome.optional(),
  limit: Limit,
  cursor: z.string().max(64).optional(),
})
export type LfsTransferQuery = z.infer<typeof LfsTransferQuery>

export const FetchPage = Page.extend({ fetches: z.array(Fetch) }).meta({ id: 'FetchPage' })

/** An agent's call to the API of a repository's host. `open`: the gate does not know how it ended. */
export const HostCall = z
  .object({
    id: z.string(),
    at: Time,
    repository: z.string(),
    agent: z.string(),
    tokenId: z.string(),
    method: z.string(),
    /** In words; empty: no operation that the gate knows. */
    operation: z.string(),
    outcome: z.enum(['open', ...HostCallResult.shape.outcome.options]),
    /** The status of the answer to the agent. */
    status: z.number().int().nullable(),
    reason: z.string(),
    ms: z.number(),
  })
  .meta({ id: 'HostCall' })
export type HostCall = z.infer<typeof HostCall>

export const HostCallPage = Page.extend({ calls: z.array(HostCall) }).meta({ id: 'HostCallPage' })

export const HostCallQuery = LfsTransferQuery.omit({ oid: true, outcome: true }).extend({
  outcome: HostCall.shape.outcome.optional(),
  since: Time.optional(),
  until: Time.optional(),
})
export type HostCallQuery = z.infer<typeof HostCallQuery>
