import type { Operator } from '../../ledger/audit-log.ts'

/** Hono's environment of the console's pages. */
export interface ConsoleEnv {
  Bindings: Env
  Variables: {
    /** The response's CSP nonce. Browsers ignore scripts and styles without it. */
    nonce: string
    operator: Operator
    /** The key that every form must send. */
    formKey: string
  }
}
