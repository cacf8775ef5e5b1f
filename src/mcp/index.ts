import type { Context } from 'hono'
import type { AgentEnv } from '../auth/agent.ts'
import { callerOf } from './caller.ts'

/** Largest request to the tools, in bytes. The longest argument is a list of paths. */
const MAX_BODY_BYTES = 256 << 10

/**
 * Serves `/-/mcp`: the tools of the authenticated agent over MCP's streamable HTTP, without sessions. Clients
 * of the 2026-07-28 revision and of the revisions of 2025 are served.
 */
export async function mcp(c: Context<AgentEnv>): Promise<Response> {
  // The protocol's library builds all its schemas when it loads. An isolate that serves git does not need them.
  const { agentTools, createMcpHandler } = await import('./server.ts')
  const handler = createMcpHandler(() => agentTools(callerOf(c)), {
    legacy: 'stateless',
    responseMode: 'json',
    maxRequestBodySize: MAX_BODY_BYTES,
  })
  return handler.fetch(c.req.raw)
}
