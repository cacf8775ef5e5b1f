import type { Operator } from '../../ledger/audit-log.ts'

/** What a page of the console knows of its request. */
export interface ConsoleEnv {
  Bindings: Env
  Variables: {
    /** This answer's own nonce: a script or style without it does not run. */
    nonce: string
    operator: Operator
    /** What a form has to send along. */
    formKey: string
  }
}
