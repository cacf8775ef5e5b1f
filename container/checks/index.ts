import { createHmac } from 'node:crypto'
import type { Settings } from '../settings.ts'
import type { Check } from './check.ts'
import { commitIdentity } from './commit-identity.ts'
import { fileRules } from './file-rules.ts'
import { refRules } from './ref-rules.ts'
import { secrets } from './secrets/index.ts'

export { type Check, GateFault, type IncomingPush, type Progress } from './check.ts'
export { checkGrant } from './ref-rules.ts'
export { checkGitleaksConfig } from './secrets/index.ts'

/** Returns the checks of a push in order. The first check that refuses ends the push. */
export const checks = (settings: Settings): readonly Check[] => [
  refRules,
  fileRules({ maxBlobBytes: settings.maxBlobBytes }),
  commitIdentity({ maxBlobBytes: settings.maxBlobBytes }),
  secrets({
    gitleaks: settings.gitleaks,
    seconds: settings.scanMs / 1000,
    maxBlobBytes: settings.maxBlobBytes,
    // The key derives from the pass key, which outlives a container's disk. Another pass key makes other fingerprints.
    fingerprintKey: createHmac('sha256', settings.passKey).update('fingerprints of findings').digest('hex'),
  }),
]
