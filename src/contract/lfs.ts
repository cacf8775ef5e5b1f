import { z } from 'zod'
import { Finding } from './outcome.ts'

/** The media type of the Git LFS API (git-lfs docs/api). */
export const LFS_JSON = 'application/vnd.git-lfs+json'

/** The id of an LFS object: its SHA-256 in hex. */
export const Oid = z.string().regex(/^[0-9a-f]{64}$/, 'an object id is 64 hex digits')
export type Oid = z.infer<typeof Oid>

const Size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

export const LfsObject = z.object({ oid: Oid, size: Size })
export type LfsObject = z.infer<typeof LfsObject>

export const LfsOperation = z.enum(['download', 'upload'])
export type LfsOperation = z.infer<typeof LfsOperation>

/** The most objects of one batch. git-lfs sends 100. */
export const MAX_BATCH = 1_000

/** The body of `POST …/info/lfs/objects/batch` (git-lfs docs/api/batch.md). */
export const LfsBatch = z.object({
  operation: LfsOperation,
  transfers: z.array(z.string()).optional(),
  ref: z.object({ name: z.string().max(1_024) }).nullish(),
  objects: z.array(LfsObject).min(1).max(MAX_BATCH),
  hash_algo: z.literal('sha256').optional(),
})
export type LfsBatch = z.infer<typeof LfsBatch>

/** An error of one object in the answer to a batch. */
export const LfsObjectError = z.object({ code: z.number().int(), message: z.string() })

/**
 * The companion's answer about the objects of a batch: whether upstream has each, or why the operation is not
 * possible.
 */
export const LfsAvailability = z.object({
  objects: z.array(LfsObject.extend({ isPresent: z.boolean(), error: LfsObjectError.optional() })),
})
export type LfsAvailability = z.infer<typeof LfsAvailability>

/** The companion's answer to an upload. `open`: the object is received, and its scan or its forward runs. */
export const LfsUploadResult = z.object({
  /** Names the upload in the ledger. */
  id: z.string(),
  outcome: z.enum(['open', 'accepted', 'refused', 'failed']),
  /** For the agent. Empty for an accepted object. */
  message: z.string(),
  findings: z.array(Finding),
  exceptionsUsed: z.array(z.string()),
  ms: z.number(),
})
export type LfsUploadResult = z.infer<typeof LfsUploadResult>

/** A path of the locking API below `…/info/lfs/locks` (git-lfs docs/api/locking.md). */
export const LockPath = z.union([
  z.literal(''),
  z.literal('/verify'),
  z.string().regex(/^\/[A-Za-z0-9._-]{1,200}\/unlock$/),
])
