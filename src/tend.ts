import { sweep } from './companion/settle.ts'
import { forgetOld } from './ledger/retention.ts'
import { settingsOf } from './settings.ts'
import { deliverDue } from './webhooks/deliver.ts'

/** What the gate does by itself every minute; one part that fails does not keep the others from their turn. */
export async function tend(env: Env): Promise<void> {
  const { GATE_RETENTION_DAYS } = settingsOf(env)
  await sweep(env)
  const done = await Promise.allSettled([deliverDue(env), forgetOld(env.LEDGER, GATE_RETENTION_DAYS)])
  for (const part of done)
    if (part.status === 'rejected')
      console.error(JSON.stringify({ level: 'error', at: 'tend', message: String(part.reason) }))
}
