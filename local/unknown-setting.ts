import { SETTING_NAMES as COMPANION_SETTINGS } from '../container/settings.ts'
import { SETTING_NAMES as WORKER_SETTINGS } from '../src/common/settings.ts'
import { unknownSetting as unknownAmong } from '../src/contract/setting-names.ts'

/** Returns one line about a GATE_… variable that neither Worker nor companion reads: it is misspelt. */
export const unknownSetting = (env: Readonly<Record<string, unknown>>): string | undefined =>
  unknownAmong(env, [...COMPANION_SETTINGS, ...WORKER_SETTINGS])
