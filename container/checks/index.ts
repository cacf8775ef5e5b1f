import { createHmac } from 'node:crypto'
import type { Settings } from '../settings.ts'
import type { Check } from './check.ts'
import { commitIdentity } from './commit-identity.ts'
import { fileRules } from './file-rules.ts'
import { type LfsOfChecks, lfsPointers } from './lfs-pointers.ts'
import { refRules } from './ref-rules.ts'
import { secrets } from './secrets/index.ts'
import type { SecretsSettings } from './secrets/settings.ts'

export { type Ask, asksOf, disputedFindings } from './asks.ts'
export { type Check, GateFault, type IncomingPush, type Progress } from './check.ts'
export { shareReaders } from './objects/object-reader.ts'
export { checkGrant } from './ref-rules.ts'
export { createRefusedObjects, type RefusedObjects } from './refused-objects.ts'
export {
  checkGitleaksConfig,
  IN_PROCESS_BYTES,
  type LfsDecisions,
  type LfsScan,
  type LfsVerdict,
  refuseTexts,
  scanLfsObjects,
  type TextMask,
  textMask,
} from './secrets/index.ts'
export type { SecretsSettings } from './secrets/settings.ts'

/** Returns the checks of a push in order. The first check that refuses ends the push. */
export const checks = (settings: Settings, lfs: LfsOfChecks): readonly Check[] => [
  refRules,
  fileRules({ maxBlobBytes: settings.maxBlobBytes }),
  commitIdentity({ maxBlobBytes: settings.maxBlobBytes }),
  lfsPointers({ maxBlobBytes: settings.maxBlobBytes }, lfs),
  secrets(secretsSettings(settings)),
]

/** Returns the settings of the scan, of pushes and of LFS objects alike. */
export const secretsSettings = (settings: Settings): SecretsSettings => ({
  gitleaks: settings.gitleaks,
  seconds: settings.checkMs / 1000,
  maxBlobBytes: settings.maxBlobBytes,
  // The key derives from the pass key, which outlives a container's disk. Another pass key makes other fingerprints.
  fingerprintKey: createHmac('sha256', settings.passKey).update('fingerprints of findings').digest('hex'),
})
