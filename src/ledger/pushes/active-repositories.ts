import { z } from 'zod'

/** The limit of repositories, most recently used first. */
const MAX_REPOSITORIES = 100

/** Returns the repositories with an open push, or with a push or fetch after `since` (Unix milliseconds). */
export async function repositoriesInUse(ledger: D1Database, since: number): Promise<string[]> {
  const { results } = await ledger
    .prepare(
      `SELECT repository, max(at) AS at FROM (
         SELECT repository, started_at AS at FROM pushes WHERE started_at >= ?1 OR outcome = 'open'
         UNION ALL SELECT repository, at FROM fetches WHERE at >= ?1)
       GROUP BY repository ORDER BY at DESC LIMIT ${MAX_REPOSITORIES}`,
    )
    .bind(since)
    .all()
  return z
    .array(z.object({ repository: z.string() }))
    .parse(results)
    .map(row => row.repository)
}
