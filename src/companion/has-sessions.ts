import { CompanionStatus } from '../contract/companion-api/status.ts'
import { newId } from '../ledger/id.ts'
import type { Send } from './health.ts'
import { askWithPass } from './pass.ts'

/** Timeout of the status request, in milliseconds. */
const ANSWER_TIMEOUT_MS = 2_000

/** Asks the companion whether it has a session. Rejects if it does not answer. */
export async function hasSessions(env: Env, send: Send): Promise<boolean> {
  const bounded: Send = (path, init) =>
    send(path, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
  const answer = await askWithPass(env, bounded, { service: 'status', id: newId() })
  const { repositories } = CompanionStatus.parse(await answer.json())
  return repositories.some(({ sessions }) => sessions.length > 0)
}
