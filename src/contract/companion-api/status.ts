import { z } from 'zod'
import { RepositoryName } from '../names.ts'

const count = z.number().int().nonnegative()
const milliseconds = z.number().nonnegative()
const counted = z.record(z.string(), count)

/** The state of a mirror in its companion. Points in time are Unix milliseconds. */
export const MirrorStatus = z.object({
  /** The last time the mirror matched its upstream; null: not since the companion started. */
  freshAt: milliseconds.nullable(),
  /** The last refresh, successful or failed. */
  lastRefresh: z.object({ at: milliseconds, ms: milliseconds, error: z.string().nullable() }).nullable(),
  /** The mirror's size on disk; null if it does not exist. */
  bytes: count.nullable(),
})
export type MirrorStatus = z.infer<typeof MirrorStatus>

/** A session in progress. */
export const LiveSession = z.object({
  id: z.string(),
  agent: z.string(),
  service: z.string(),
  step: z.string(),
  startedAt: milliseconds,
})

/** The amount of data that gitleaks scanned. */
export const Scanned = z.object({
  /** Counts every decoded form too: an archive counts packed and unpacked. */
  bytes: count,
  /** The number of commits, files and tags. */
  objects: count,
  /** The number of gitleaks processes. */
  gitleaks: count,
})
export type Scanned = z.infer<typeof Scanned>

/** Counters since the start of the companion. */
export const Counts = z.object({
  refreshes: z.object({ succeeded: count, failed: count, ms: milliseconds }),
  /** Ended sessions by service, then by outcome. */
  sessions: z.record(z.string(), counted),
  /** Sessions that ended early, by reason. */
  disconnects: counted,
  scanned: Scanned,
})
export type Counts = z.infer<typeof Counts>

export const RepositoryStatus = z.object({
  repository: RepositoryName,
  mirror: MirrorStatus,
  sessions: z.array(LiveSession),
  counts: Counts,
})
export type RepositoryStatus = z.infer<typeof RepositoryStatus>

/**
 * The response to `status`: the requested repository, or all repositories in use since the companion started.
 */
export const CompanionStatus = z.object({
  startedAt: milliseconds,
  repositories: z.array(RepositoryStatus),
  /** True if a disk that the companion writes to is full. */
  diskFull: z.boolean().default(false),
})
export type CompanionStatus = z.infer<typeof CompanionStatus>
