import type { Settings } from '../settings.ts'
import type { Check } from './check.ts'
import { rules } from './rules.ts'

export { type Check, GateFault, type IncomingPush, type Progress } from './check.ts'
export { judgeCommands } from './rules.ts'

/** What a push goes through, in order; the first check that refuses ends it. */
export const checks = (_settings: Settings): readonly Check[] => [rules]
