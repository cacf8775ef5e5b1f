import type { Context } from 'hono'
import type { AgentEnv } from '../auth/agent.ts'
import type { AgentName } from '../contract/names.ts'

/** The authenticated agent that uses a tool. */
export interface Caller {
  readonly env: Env
  readonly ledger: D1Database
  readonly agent: AgentName
  readonly tokenId: string
  /** The gate's URL, without a trailing slash. */
  readonly origin: string
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** Returns the agent of a request. */
export const callerOf = (c: Pick<Context<AgentEnv>, 'env' | 'var' | 'req' | 'executionCtx'>): Caller => ({
  env: c.env,
  ledger: c.env.LEDGER,
  agent: c.var.agent,
  tokenId: c.var.token.id,
  origin: new URL(c.req.url).origin,
  waitUntil: work => c.executionCtx.waitUntil(work),
})
