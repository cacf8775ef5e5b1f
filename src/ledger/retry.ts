/**
 * What D1 says of errors that may pass when the same is asked again (developers.cloudflare.com/d1, "Debug D1", list of
 * D1_ERRORs, and "Retry queries"), and what SQLite says of a database that another connection has locked.
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

/** Before each further attempt, in milliseconds: about a second and a half in all. */
const PAUSES_MS = [50, 100, 200, 400, 800] as const

/** Asks D1 again while it fails for a moment. `work` must do no harm when it is done twice. */
export async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (const pause of PAUSES_MS) {
    try {
      return await work()
    } catch (error) {
      if (!isTransient(error)) throw error
      // Requests that failed together do not come again together.
      await new Promise(resolve => setTimeout(resolve, pause * (0.5 + Math.random())))
    }
  }
  return work()
}

const isTransient = (error: unknown) => {
  const message = String(error)
  return TRANSIENT.some(words => message.includes(words))
}

/** Is it the disk of the ledger that has no room? */
export const isDiskFull = (error: unknown): boolean =>
  /SQLITE_FULL|database or disk is full|SQLITE_IOERR|No space left|Exceeded maximum DB size/.test(
    String(error),
  )
