import { logError } from '../common/log.ts'
import { isDiskFull } from './retry.ts'

/**
 * Reads and writes the ledger. Returns the problem in words for an operator, or undefined without a problem.
 */
export async function ledgerProblem(ledger: D1Database): Promise<string | undefined> {
  try {
    await ledger.prepare('SELECT 1 FROM pushes LIMIT 1').first()
    await ledger
      .prepare('INSERT INTO probes (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = ?1')
      .bind(Date.now())
      .run()
    return undefined
  } catch (error) {
    logError({ at: 'health' }, error)
    return isDiskFull(error)
      ? 'the ledger cannot be written: its disk is full'
      : 'the ledger cannot be read and written'
  }
}
