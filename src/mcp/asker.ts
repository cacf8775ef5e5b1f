import type { AgentName } from '../contract/names.ts'

/** The authenticated agent that uses a tool. */
export interface Caller {
  readonly ledger: D1Database
  readonly agent: AgentName
  /** The gate's URL, without a trailing slash. */
  readonly origin: string
}
