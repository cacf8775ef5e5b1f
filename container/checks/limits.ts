export { inBytes } from '../../src/contract/format-bytes.ts'

/** How much of a push the gate is ready to look at. What is beyond is refused, never skipped. */
export interface Limits {
  /** The largest file, in bytes. */
  readonly maxBlobBytes: number
  /** The most bytes of new files, all together. */
  readonly maxBytes: number
  /** The most objects in a push, and the most changed entries over its commits. */
  readonly maxObjects: number
  /** The largest single tree object, in bytes. */
  readonly maxTreeBytes: number
  /** The most bytes that a push's archives and compressed files may unpack to, all together. */
  readonly maxUnpackedBytes: number
  /** The most archives, archive entries and compressed streams that are opened in one push. */
  readonly maxUnpacks: number
  /** How deep archives and encodings may be nested. */
  readonly maxDepth: number
}

export const defaultLimits: Omit<Limits, 'maxBlobBytes'> = {
  // What may be received at all is for the session to say.
  maxBytes: Number.POSITIVE_INFINITY,
  maxObjects: 250_000,
  maxTreeBytes: 32 << 20,
  maxUnpackedBytes: 512 << 20,
  maxUnpacks: 30_000,
  maxDepth: 8,
}

/** The push is beyond a limit. Its message is for the agent; the push is refused, and it is not the gate's fault. */
export class LimitExceeded extends Error {
  readonly remedy: string
  constructor(message: string, remedy: string) {
    super(message)
    this.remedy = remedy
  }
}
