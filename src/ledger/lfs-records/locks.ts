import { z } from 'zod'

const Row = z.object({ id: z.string(), agent: z.string() })

/** Records the agent of a lock that upstream has made. */
export async function recordLock(
  ledger: D1Database,
  repository: string,
  id: string,
  agent: string,
): Promise<void> {
  await ledger
    .prepare(
      `INSERT INTO lfs_locks (repository, id, agent, created_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET agent = excluded.agent, created_at = excluded.created_at`,
    )
    .bind(repository, id, agent, Date.now())
    .run()
}

export async function deleteLock(ledger: D1Database, repository: string, id: string): Promise<void> {
  await ledger.prepare('DELETE FROM lfs_locks WHERE repository = ? AND id = ?').bind(repository, id).run()
}

/** Returns the agents of a repository's locks, by the locks' ids. */
export async function lockAgents(
  ledger: D1Database,
  repository: string,
): Promise<ReadonlyMap<string, string>> {
  const { results } = await ledger
    .prepare('SELECT id, agent FROM lfs_locks WHERE repository = ?')
    .bind(repository)
    .all()
  return new Map(
    z
      .array(Row)
      .parse(results)
      .map(({ id, agent }) => [id, agent]),
  )
}
