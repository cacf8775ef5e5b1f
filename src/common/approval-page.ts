import { settingsOf } from './settings.ts'

/** Returns the URL of an approval's page in the console; its path where the gate does not know its own URL. */
export const approvalPage = (env: object, push: string): string =>
  `${settingsOf(env).GATE_PUBLIC_URL ?? ''}/-/console/approvals/${push}`
