import { sweep } from './companion/settle.ts'
import { logFault } from './fault.ts'
import { forgetOld } from './ledger/retention.ts'
import { settingsOf } from './settings.ts'
import { deliverDue } from './webhooks/deliver.ts'

/** What the gate does by itself every minute; one part that fails does not keep the others from their turn. */
export async function tend(env: Env): Promise<void> {
  const { GATE_RETENTION_DAYS } = settingsOf(env)
  const failed = (error: unknown) => logFault({ at: 'tend' }, error)
  // First, so that webhooks are told of what it settles.
  await sweep(env).catch(failed)
  await Promise.all([deliverDue(env).catch(failed), forgetOld(env.LEDGER, GATE_RETENTION_DAYS).catch(failed)])
}
