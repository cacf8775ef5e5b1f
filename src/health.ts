import type { Context } from 'hono'
import type { GitEnv } from './auth/agent.ts'
import { logFault } from './common/log.ts'
import { settingsOf } from './common/settings.ts'
import { everyStatus } from './companion/status.ts'
import { isDiskFull } from './ledger/retry.ts'

/** Anybody may ask: what was learnt is good for so long, in milliseconds. */
const GOOD_MS = 5_000

let known: { readonly until: number; readonly problems: readonly string[] } | undefined

/** `GET /-/health`: does the ledger answer, with its tables, and do ledger and companion have room to write? */
export async function health(c: Context<GitEnv>): Promise<Response> {
  // Not the promise: workerd lets no request wait for what another one has begun.
  if (!known || known.until <= Date.now()) known = { problems: await look(c.env), until: Date.now() + GOOD_MS }
  const { problems } = known
  return problems.length === 0 ? c.json({ ok: true }) : c.json({ ok: false, problems }, 503)
}

async function look(env: Env): Promise<readonly string[]> {
  const found = await Promise.all([ledgerProblem(env.LEDGER), companionProblem(env)])
  return found.filter(problem => problem !== undefined)
}

/** A write that changes nothing is a write: reading goes on when the disk is full. */
async function ledgerProblem(ledger: D1Database): Promise<string | undefined> {
  try {
    await ledger.prepare('SELECT 1 FROM pushes LIMIT 1').first()
    await ledger.prepare("UPDATE totals SET count = count WHERE kind = 'failure'").run()
    return undefined
  } catch (error) {
    logFault({ at: 'health' }, error)
    return isDiskFull(error) ? 'the ledger cannot be written: its disk is full' : 'the ledger does not answer'
  }
}

/** A companion that cannot be reached is no problem of the Worker's; at Cloudflare each has a disk of its own. */
async function companionProblem(env: Env): Promise<string | undefined> {
  if (settingsOf(env).GATE_COMPANION_URL === undefined) return undefined
  const words = await everyStatus(env)
  const isFull = words.some(word => word.state === 'awake' && word.status.diskFull)
  return isFull ? "the companion's disk is full: no push can be taken" : undefined
}
