import type { Admin } from '../../../local/admin-client.ts'
import { type Push, PushPage, PushRecord } from '../../../src/contract/admin-api/pushes.ts'
import { seconds } from '../units.ts'
import { until } from '../until.ts'

/** The pushes in the ledger, read through the admin API. */
export interface Ledger {
  /** Newest first. */
  pushes(): Promise<Push[]>
  /** The whole record of the newest push. */
  last(): Promise<PushRecord>
  /** Resolves with the newest push when it fits; rejects after `within` milliseconds (30 s). */
  until(fits: (push: PushRecord) => boolean, within?: number): Promise<PushRecord>
}

export function ledgerOf(admin: Admin): Ledger {
  const list = async (query = '') => PushPage.parse(await admin.request('GET', `/pushes${query}`)).pushes
  const newest = async () => {
    const [push] = await list('?limit=1')
    return push && PushRecord.parse(await admin.request('GET', `/pushes/${push.id}`))
  }
  return {
    pushes: () => list(),
    async last() {
      const push = await newest()
      if (!push) throw new Error('no push is on record')
      return push
    },
    until(fits, within = seconds(30)) {
      let seen: PushRecord | undefined
      const look = async () => {
        seen = await newest()
        return seen && fits(seen) ? seen : undefined
      }
      return until(look, within, () => `the newest push is not as awaited: ${JSON.stringify(seen)}`)
    },
  }
}
