import { z } from 'zod'

/** The pack of a push that waits, as R2 keeps it: its size in bytes, and its SHA-256 in hex. */
export interface HeldPack {
  readonly hash: string
  readonly bytes: number
}

const Waiting = z.object({ id: z.string(), repository: z.string() })

/** Returns the pushes that wait since `since` (Unix milliseconds) or later and whose packs R2 does not keep. */
export async function pushesWithoutPack(
  ledger: D1Database,
  since: number,
): Promise<z.infer<typeof Waiting>[]> {
  const { results } = await ledger
    .prepare(
      `SELECT id, repository FROM approvals
        WHERE state = 'waiting' AND expires_at > ?1 AND pack_hash IS NULL AND created_at >= ?2
        ORDER BY id LIMIT 20`,
    )
    .bind(Date.now(), since)
    .all()
  return z.array(Waiting).parse(results)
}

/** Returns the bytes of a repository's packs in R2. */
export async function bytesOfPacks(ledger: D1Database, repository: string): Promise<number> {
  const row = await ledger
    .prepare(
      'SELECT coalesce(sum(pack_bytes), 0) AS bytes FROM approvals WHERE repository = ? AND pack_hash IS NOT NULL',
    )
    .bind(repository)
    .first()
  return z.object({ bytes: z.number() }).parse(row).bytes
}

export async function recordPack(ledger: D1Database, id: string, { hash, bytes }: HeldPack): Promise<void> {
  await ledger
    .prepare('UPDATE approvals SET pack_hash = ?, pack_bytes = ? WHERE id = ?')
    .bind(hash, bytes, id)
    .run()
}

export async function forgetPack(ledger: D1Database, id: string): Promise<void> {
  await ledger.prepare('UPDATE approvals SET pack_hash = NULL WHERE id = ?').bind(id).run()
}

/** Returns the hash of a push's pack in R2, or undefined if R2 does not keep it. */
export async function hashOfPack(ledger: D1Database, id: string): Promise<string | undefined> {
  const row = await ledger.prepare('SELECT pack_hash FROM approvals WHERE id = ?').bind(id).first()
  return z.object({ pack_hash: z.string().nullable() }).nullable().parse(row)?.pack_hash ?? undefined
}

/** Returns the pushes whose packs R2 keeps, and that neither wait nor are being forwarded any more. */
export async function packsOfEnded(ledger: D1Database): Promise<string[]> {
  const { results } = await ledger
    .prepare(
      "SELECT id FROM approvals WHERE pack_hash IS NOT NULL AND state NOT IN ('waiting', 'approved') LIMIT 100",
    )
    .all()
  return z
    .array(z.object({ id: z.string() }))
    .parse(results)
    .map(({ id }) => id)
}
