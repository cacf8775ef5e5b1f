/**
 * Messages of errors after which a retry may succeed: D1's (developers.cloudflare.com/d1, "Debug D1", list of
 * D1_ERRORs, and "Retry queries"), and SQLite's for a database that another connection has locked.
 */
const TRANSIENT = [
  'Network connection lost',
  'Cannot resolve D1 DB due to transient issue',
  'storage caused object to be reset',
  'exceeded timeout which caused object to be reset',
  'reset because its code was updated',
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'database is locked',
] as const

/** The pause before each retry, in milliseconds: about 1.5 s in all. */
const PAUSES_MS = [50, 100, 200, 400, 800] as const

/** Retries `work` on transient errors of D1. `work` must be idempotent. Throws the last error. */
export async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (const pause of PAUSES_MS) {
    try {
      return await work()
    } catch (error) {
      if (!isTransient(error)) throw error
      // Jitter spreads the retries of requests that failed together.
      await new Promise(resolve => setTimeout(resolve, pause * (0.5 + Math.random())))
    }
  }
  return work()
}

const isTransient = (error: unknown) => {
  const message = String(error)
  return TRANSIENT.some(words => message.includes(words))
}

/** Returns whether the ledger failed because its disk is full. */
export const isDiskFull = (error: unknown): boolean =>
  /SQLITE_FULL|database or disk is full|SQLITE_IOERR|No space left|Exceeded maximum DB size/.test(
    String(error),
  )
