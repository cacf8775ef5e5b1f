import { z } from 'zod'

/** The copy in R2 of a push that waits: its size in bytes, and its SHA-256 in hex. */
export interface HeldPack {
  readonly id: string
  readonly repository: string
  readonly hash: string
  readonly bytes: number
}

const Waiting = z.object({ id: z.string(), repository: z.string() })

/** Returns pushes that wait since `since` (Unix milliseconds) or later and whose packs R2 does not keep. */
export async function pushesWithoutPack(
  ledger: D1Database,
  since: number,
): Promise<z.infer<typeof Waiting>[]> {
  // In random order: pushes that cannot be kept would otherwise hold up those of other repositories.
  const { results } = await ledger
    .prepare(
      `SELECT id, repository FROM approvals
        WHERE state = 'waiting' AND expires_at > ? AND created_at >= ? AND id NOT IN (SELECT id FROM held_packs)
        ORDER BY random() LIMIT 20`,
    )
    .bind(Date.now(), since)
    .all()
  return z.array(Waiting).parse(results)
}

/** Returns the bytes of a repository's packs in R2. */
export async function bytesOfPacks(ledger: D1Database, repository: string): Promise<number> {
  const row = await ledger
    .prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM held_packs WHERE repository = ?')
    .bind(repository)
    .first()
  return z.object({ bytes: z.number() }).parse(row).bytes
}

/** Records a copy, unless there is one: the end of a push and the schedule may copy it at the same time. */
export async function recordPack(
  ledger: D1Database,
  { id, repository, hash, bytes }: HeldPack,
): Promise<void> {
  await ledger
    .prepare('INSERT OR IGNORE INTO held_packs (id, repository, hash, bytes) VALUES (?, ?, ?, ?)')
    .bind(id, repository, hash, bytes)
    .run()
}

export async function forgetPacks(ledger: D1Database, ids: readonly string[]): Promise<void> {
  await ledger
    .prepare('DELETE FROM held_packs WHERE id IN (SELECT value FROM json_each(?))')
    .bind(JSON.stringify(ids))
    .run()
}

/** Returns the hash of a push's pack in R2, or undefined if R2 does not keep it. */
export async function hashOfPack(ledger: D1Database, id: string): Promise<string | undefined> {
  const row = await ledger.prepare('SELECT hash FROM held_packs WHERE id = ?').bind(id).first()
  return z.object({ hash: z.string() }).nullable().parse(row)?.hash
}

/** Returns the pushes whose packs R2 keeps, and that neither wait nor are being forwarded any more. */
export async function packsOfEnded(ledger: D1Database): Promise<string[]> {
  const { results } = await ledger
    .prepare(
      `SELECT id FROM held_packs
        WHERE id NOT IN (SELECT id FROM approvals WHERE state IN ('waiting', 'approved')) LIMIT 100`,
    )
    .all()
  return z
    .array(z.object({ id: z.string() }))
    .parse(results)
    .map(({ id }) => id)
}
