import { settingsOf } from './settings.ts'

const inConsole = (env: object, path: string): string =>
  `${settingsOf(env).GATE_PUBLIC_URL ?? ''}/-/console/${path}`

/** Returns the URL of an approval's page in the console; its path where the gate does not know its own URL. */
export const approvalPage = (env: object, push: string): string => inConsole(env, `approvals/${push}`)

/** Returns the URL, or the path, of a push's page in the console. */
export const pushPage = (env: object, push: string): string => inConsole(env, `pushes/${push}`)
