import type { Limits } from '../limits.ts'

export interface SecretsSettings extends Partial<Limits> {
  /** The path of the gitleaks binary. */
  readonly gitleaks: string
  /** The longest time without progress of a scan, in seconds. */
  readonly seconds: number
  readonly maxBlobBytes: number
  /** A push beyond any of these limits is scanned in a child process. */
  readonly inProcessLimits?: Partial<Limits>
  /** The heap of the child process, in MiB. It holds the objects' names and places, not their contents. */
  readonly childHeapMib?: number
  /** The bytes of new files from which on the child process scans them in two threads. */
  readonly minSharedBytes?: number
  /** The HMAC key of fingerprints. Exceptions match only under the key that they were granted under. */
  readonly fingerprintKey: string
}
