import { logError } from './common/log.ts'
import { settingsOf } from './common/settings.ts'
import { withTimeout } from './common/with-timeout.ts'
import { resumeApproved } from './companion/push/forward-approved.ts'
import { syncHeldPacks } from './companion/push/held-packs.ts'
import { sweep } from './companion/push/sync-outcome.ts'
import { sendMail } from './companion/send-mail.ts'
import { deleteBeyondSize } from './ledger/delete-beyond-size.ts'
import { deleteExpired } from './ledger/delete-expired.ts'
import { deliverDue } from './webhooks/deliver.ts'

/** The limit of the time that webhooks wait for the sweep, in milliseconds. */
const MAX_SWEEP_WAIT_MS = 10_000

/** The cron handler, once a minute. A failure of any part is logged and does not stop the others. */
export async function runScheduledTasks(env: Env): Promise<void> {
  const { GATE_RETENTION_DAYS, GATE_LEDGER_MAX_BYTES } = settingsOf(env)
  const failed = (error: unknown) => logError({ at: 'scheduled tasks' }, error)
  const swept = Promise.all([sweep(env).catch(failed), resumeApproved(env).catch(failed)])
  // The sweep comes first, so that webhooks learn the outcomes that it settles. An upstream that hangs delays
  // webhooks by MAX_SWEEP_WAIT_MS at most.
  await withTimeout(MAX_SWEEP_WAIT_MS, swept, undefined)
  await Promise.all([
    swept,
    deliverDue(env, sendMail).catch(failed),
    syncHeldPacks(env).catch(failed),
    deleteExpired(env.LEDGER, GATE_RETENTION_DAYS)
      .then(() => deleteBeyondSize(env.LEDGER, GATE_LEDGER_MAX_BYTES))
      .catch(failed),
  ])
}
