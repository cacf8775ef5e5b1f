import type { Context } from 'hono'
import type { GitEnv } from './auth/agent.ts'
import { settingsOf } from './common/settings.ts'
import { allStatuses } from './companion/status.ts'
import { ledgerProblem } from './ledger/probe.ts'

/** Anybody may ask: an answer is good for so long, in milliseconds. */
const GOOD_MS = 5_000

let known: { readonly until: number; readonly problems: readonly string[] } | undefined

/** `GET /-/health`: does the ledger answer, with its tables, and do ledger and companion have room to write? */
export async function health(c: Context<GitEnv>): Promise<Response> {
  const problems = await problemsOf(c.env)
  return problems.length === 0 ? c.json({ ok: true }) : c.json({ ok: false, problems }, 503)
}

/** What keeps the gate from its work, in words for an operator. */
export async function problemsOf(env: Env): Promise<readonly string[]> {
  if (known && known.until > Date.now()) return known.problems
  const found = await Promise.all([ledgerProblem(env.LEDGER), companionProblem(env)])
  const problems = found.filter(problem => problem !== undefined)
  // Not the promise: workerd lets no request wait for what another one has begun.
  known = { problems, until: Date.now() + GOOD_MS }
  return problems
}

/** A companion that cannot be reached is no problem of the Worker's; at Cloudflare each has a disk of its own. */
async function companionProblem(env: Env): Promise<string | undefined> {
  if (settingsOf(env).GATE_COMPANION_URL === undefined) return undefined
  const words = await allStatuses(env)
  const isFull = words.some(word => word.state === 'running' && word.status.diskFull)
  return isFull ? "the companion's disk is full" : undefined
}
