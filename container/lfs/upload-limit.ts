import type { GrantTerms } from '../../src/contract/grant.ts'
import type { LfsObject } from '../../src/contract/lfs.ts'
import { formatBytes } from '../../src/contract/text/format-bytes.ts'
import type { Settings } from '../settings.ts'

/** Returns why an object is larger than the gate or the grant allows, or undefined. */
export function tooLarge(
  { size }: Pick<LfsObject, 'size'>,
  { maxBlobBytes }: Pick<GrantTerms, 'maxBlobBytes'>,
  { maxLfsObjectBytes }: Pick<Settings, 'maxLfsObjectBytes'>,
): string | undefined {
  const maxBytes = Math.min(maxLfsObjectBytes, maxBlobBytes ?? Number.POSITIVE_INFINITY)
  return size <= maxBytes
    ? undefined
    : `git-gate: the object is ${formatBytes(size)}, and an object may be up to ${formatBytes(maxBytes)} here`
}
