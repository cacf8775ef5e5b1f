export { formatBytes as inBytes } from '../../src/contract/text/format-bytes.ts'

/** The limits of a push that the gate checks. A push beyond a limit is refused, never checked in part. */
export interface Limits {
  /** The largest file, in bytes. */
  readonly maxBlobBytes: number
  /** The total size of new files, in bytes. */
  readonly maxBytes: number
  /** The most objects in a push, and the most changed entries over its commits. */
  readonly maxObjects: number
  /** The largest single tree object, in bytes. */
  readonly maxTreeBytes: number
  /** The total size to which a push's archives and compressed files may unpack, in bytes. */
  readonly maxUnpackedBytes: number
  /** The most archives, archive entries and compressed streams that are opened in one push. */
  readonly maxUnpacks: number
  /** The deepest level at which an archive or a compressed file is opened. Encodings count as levels too. */
  readonly maxDepth: number
}

export const defaultLimits: Omit<Limits, 'maxBlobBytes'> = {
  // The session limits the size of a push.
  maxBytes: Number.POSITIVE_INFINITY,
  maxObjects: 250_000,
  maxTreeBytes: 32 << 20,
  maxUnpackedBytes: 512 << 20,
  maxUnpacks: 30_000,
  maxDepth: 8,
}

/**
 * The push is beyond a limit. The message and the remedy are for the agent. The push is refused, and it is not a fault.
 */
export class LimitExceeded extends Error {
  readonly remedy: string
  constructor(message: string, remedy: string) {
    super(message)
    this.remedy = remedy
  }
}
