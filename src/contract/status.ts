import { z } from 'zod'
import { RepositoryName } from './names.ts'

const count = z.number().int().nonnegative()
const milliseconds = z.number().nonnegative()
const counted = z.record(z.string(), count)

/** A mirror as its companion knows it; points in time are Unix milliseconds. */
export const MirrorStatus = z.object({
  /** When it was last like its upstream; null: not since the companion started. */
  freshAt: milliseconds.nullable(),
  /** The last time it was to be brought up to date, whatever came of it. */
  lastRefresh: z.object({ at: milliseconds, ms: milliseconds, error: z.string().nullable() }).nullable(),
  /** What it takes of the disk; null: it is not there. */
  bytes: count.nullable(),
})
export type MirrorStatus = z.infer<typeof MirrorStatus>

/** A session that goes on. */
export const LiveSession = z.object({
  id: z.string(),
  agent: z.string(),
  service: z.string(),
  phase: z.string(),
  startedAt: milliseconds,
})

/** What pushes gave to gitleaks. */
export const Scanned = z.object({
  /** In every view of it, so that an archive counts packed and unpacked. */
  bytes: count,
  /** Commits, files and tags. */
  objects: count,
  /** How often gitleaks was started. */
  gitleaks: count,
})
export type Scanned = z.infer<typeof Scanned>

/** What happened since the companion started. */
export const Counts = z.object({
  refreshes: z.object({ succeeded: count, failed: count, ms: milliseconds }),
  /** By service, and there by how they ended. */
  sessions: z.record(z.string(), counted),
  /** The sessions among them that were let go before their end, by why. */
  reaped: counted,
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

/** The answer to `status`: of the repository that was asked about, or of all that were asked for since the start. */
export const CompanionStatus = z.object({
  startedAt: milliseconds,
  repositories: z.array(RepositoryStatus),
  /** Has a disk that it writes to no room left? */
  diskFull: z.boolean().default(false),
})
export type CompanionStatus = z.infer<typeof CompanionStatus>
