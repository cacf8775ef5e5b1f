import { logFault } from './common/log.ts'
import { settingsOf } from './common/settings.ts'
import { within } from './common/with-timeout.ts'
import { sweep } from './companion/sync-outcome.ts'
import { forgetBeyond } from './ledger/delete-beyond-size.ts'
import { deleteExpired } from './ledger/delete-expired.ts'
import { deliverDue } from './webhooks/deliver.ts'

/** The sweep has this long before webhooks are told, in milliseconds. */
const AHEAD_MS = 10_000

/** What the gate does by itself every minute; one part that fails does not keep the others from their turn. */
export async function tend(env: Env): Promise<void> {
  const { GATE_RETENTION_DAYS, GATE_LEDGER_MAX_BYTES } = settingsOf(env)
  const failed = (error: unknown) => logFault({ at: 'tend' }, error)
  const swept = sweep(env).catch(failed)
  // First, so that webhooks are told of what it settles; but an upstream that says nothing keeps nobody waiting.
  await within(AHEAD_MS, swept, undefined)
  await Promise.all([
    swept,
    deliverDue(env).catch(failed),
    deleteExpired(env.LEDGER, GATE_RETENTION_DAYS)
      .then(() => forgetBeyond(env.LEDGER, GATE_LEDGER_MAX_BYTES))
      .catch(failed),
  ])
}
