import type { AuthenticatedOperator } from '../../ledger/audit-log.ts'

/** Hono's environment of the console's pages. */
export interface ConsoleEnv {
  Bindings: Env
  Variables: {
    /** The response's CSP nonce. Browsers ignore scripts and styles without it. */
    nonce: string
    operator: AuthenticatedOperator
    /** Set once the operator's role was found to allow the page. */
    authorized?: true
    /** The value that every form must send. */
    csrfToken: string
  }
}
