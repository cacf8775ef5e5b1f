import type { Context } from 'hono'
import type { GitEnv } from './auth/agent.ts'

/** `GET /-/health`: is the Worker up, and does its ledger answer, with its tables? */
export async function health(c: Context<GitEnv>): Promise<Response> {
  await c.env.LEDGER.prepare('SELECT 1 FROM pushes LIMIT 1').first()
  return c.json({ ok: true })
}
