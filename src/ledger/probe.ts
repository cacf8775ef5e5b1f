import { logFault } from '../common/log.ts'
import { isDiskFull } from './retry.ts'

/** Why the ledger cannot be used, in words for an operator; undefined when it can be read and written. */
export async function ledgerProblem(ledger: D1Database): Promise<string | undefined> {
  try {
    await ledger.prepare('SELECT 1 FROM pushes LIMIT 1').first()
    await ledger
      .prepare('INSERT INTO probes (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = ?1')
      .bind(Date.now())
      .run()
    return undefined
  } catch (error) {
    logFault({ at: 'health' }, error)
    return isDiskFull(error)
      ? 'the ledger cannot be written: its disk is full'
      : 'the ledger cannot be read and written'
  }
}
