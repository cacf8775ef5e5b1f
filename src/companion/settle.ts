import { PushReport } from '../contract/outcome.ts'
import { newId } from '../ledger/id.ts'
import { openPushes, recordReport, settleLost } from '../ledger/pushes.ts'
import { settingsOf } from '../settings.ts'
import { askCompanion } from './index.ts'

type Settling = { readonly id: string; readonly repository: string }

/**
 * Asks the companion what became of a push, and puts it on record; one that goes on is waited for `wait` seconds at
 * most. What cannot be learnt now is left to the next sweep. Answers what the companion said of it.
 */
export async function settle(
  env: Env,
  push: Settling,
  wait: number,
): Promise<'recorded' | 'unknown' | 'unreachable'> {
  try {
    const answer = await askCompanion(env, push.repository, {
      service: 'push-report',
      id: newId(),
      push: push.id,
      wait,
    })
    if (answer.status === 404) return 'unknown'
    if (!answer.ok) return 'unreachable'
    await recordReport(env.LEDGER, PushReport.parse(await answer.json()))
    return 'recorded'
  } catch {
    return 'unreachable'
  }
}

/** Settles what was left open: by asking the companion, and where it does not know the push, as lost. */
export async function sweep(env: Env): Promise<void> {
  const now = Date.now()
  const lostBefore = now - settingsOf(env).GATE_LOST_PUSH_SECONDS * 1000
  for (const push of await openPushes(env.LEDGER, now - 2_000)) {
    const said = await settle(env, push, 0)
    if (said === 'unknown' && push.started_at < lostBefore)
      await settleLost(
        env.LEDGER,
        push.id,
        'the companion has no record of this push: it never got there, or its disk was lost',
      )
  }
}
