import type { Context } from 'hono'
import type { GitEnv } from './auth/agent.ts'
import { settingsOf } from './common/settings.ts'
import { allStatuses } from './companion/status.ts'
import { ledgerProblem } from './ledger/probe.ts'

/**
 * The lifetime of a cached result, in milliseconds. The route needs no authentication, so anyone may poll it.
 */
const GOOD_MS = 5_000

let cached: { readonly until: number; readonly problems: readonly string[] } | undefined

/**
 * `GET /-/health`: whether the ledger is readable and writable, and whether a local companion has disk space.
 */
export async function health(c: Context<GitEnv>): Promise<Response> {
  const problems = await problemsOf(c.env)
  return problems.length === 0 ? c.json({ ok: true }) : c.json({ ok: false, problems }, 503)
}

/** Returns the problems of ledger and companion in words for an operator. Cached for GOOD_MS. */
export async function problemsOf(env: Env): Promise<readonly string[]> {
  if (cached && cached.until > Date.now()) return cached.problems
  const found = await Promise.all([ledgerProblem(env.LEDGER), companionProblem(env)])
  const problems = found.filter(problem => problem !== undefined)
  // Caches the value, not the promise: in workerd a request cannot await another request's I/O.
  cached = { problems, until: Date.now() + GOOD_MS }
  return problems
}

/**
 * Returns whether a local companion's disk is full. An unreachable companion does not make the Worker
 * unhealthy, and each Cloudflare Container has its own disk.
 */
async function companionProblem(env: Env): Promise<string | undefined> {
  if (settingsOf(env).GATE_COMPANION_URL === undefined) return undefined
  const statuses = await allStatuses(env)
  const isFull = statuses.some(each => each.state === 'running' && each.status.diskFull)
  return isFull ? "the companion's disk is full" : undefined
}
