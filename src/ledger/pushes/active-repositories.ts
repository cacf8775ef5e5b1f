import { z } from 'zod'

/** So many are told of at most, the newest in use. */
const MOST = 100

/** The repositories that were pushed to or fetched from since then (Unix milliseconds). */
export async function repositoriesInUse(ledger: D1Database, since: number): Promise<string[]> {
  const { results } = await ledger
    .prepare(
      `SELECT repository, max(at) AS at FROM (
         SELECT repository, started_at AS at FROM pushes WHERE started_at >= ?1 OR outcome = 'open'
         UNION ALL SELECT repository, at FROM fetches WHERE at >= ?1)
       GROUP BY repository ORDER BY at DESC LIMIT ${MOST}`,
    )
    .bind(since)
    .all()
  return z
    .array(z.object({ repository: z.string() }))
    .parse(results)
    .map(row => row.repository)
}
