import { z } from 'zod'

/** The limits of rows in a round and of rounds in a sweep. The next sweep continues. */
const MAX_ROWS_PER_ROUND = 500
const MAX_ROUNDS = 20

const Deletable = z.object({
  kind: z.enum(['push', 'fetch', 'transfer', 'host call']),
  id: z.string(),
  bytes: z.number(),
})

/**
 * Deletes the oldest pushes, fetches, LFS transfers and host calls until the rest takes `maxBytes` at most. Deletes from the largest
 * agent each time, so that an agent that fills the ledger loses its own history first. Open pushes stay.
 */
export async function deleteBeyondSize(ledger: D1Database, maxBytes: number): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const excess = (await bytesOnRecord(ledger)) - maxBytes
    if (excess <= 0) return
    const oldest = await oldestOfTheLargest(ledger)
    let freed = 0
    const surplus = oldest.filter(({ bytes }) => {
      const isWanted = freed < excess
      freed += bytes
      return isWanted
    })
    if (surplus.length === 0) return
    const idsOf = (kind: z.infer<typeof Deletable>['kind']) =>
      JSON.stringify(surplus.filter(each => each.kind === kind).map(({ id }) => id))
    await ledger.batch([
      ledger
        .prepare("DELETE FROM pushes WHERE id IN (SELECT value FROM json_each(?)) AND outcome <> 'open'")
        .bind(idsOf('push')),
      ledger
        .prepare('DELETE FROM fetches WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))')
        .bind(idsOf('fetch')),
      ledger
        .prepare('DELETE FROM transfers WHERE id IN (SELECT value FROM json_each(?))')
        .bind(idsOf('transfer')),
      ledger
        .prepare('DELETE FROM host_calls WHERE id IN (SELECT value FROM json_each(?))')
        .bind(idsOf('host call')),
    ])
  }
}

async function bytesOnRecord(ledger: D1Database): Promise<number> {
  const row = await ledger.prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM sizes').first()
  return z.object({ bytes: z.number() }).parse(row).bytes
}

async function oldestOfTheLargest(ledger: D1Database): Promise<z.infer<typeof Deletable>[]> {
  const { results } = await ledger
    .prepare(
      `WITH largest AS (SELECT agent FROM sizes ORDER BY bytes DESC LIMIT 1),
       old_pushes AS (
         SELECT 'push' AS kind, id, started_at AS at, bytes FROM pushes
          WHERE agent = (SELECT agent FROM largest) AND outcome <> 'open' ORDER BY id LIMIT ?1),
       old_fetches AS (
         SELECT 'fetch' AS kind, CAST(id AS TEXT) AS id, at, bytes FROM fetches
          WHERE agent = (SELECT agent FROM largest) ORDER BY fetches.id LIMIT ?1),
       old_transfers AS (
         SELECT 'transfer' AS kind, id, at, bytes FROM transfers
          WHERE agent = (SELECT agent FROM largest) ORDER BY id LIMIT ?1),
       old_calls AS (
         SELECT 'host call' AS kind, id, at, bytes FROM host_calls
          WHERE agent = (SELECT agent FROM largest) ORDER BY id LIMIT ?1)
       SELECT kind, id, bytes FROM (SELECT * FROM old_pushes UNION ALL SELECT * FROM old_fetches
                               UNION ALL SELECT * FROM old_transfers UNION ALL SELECT * FROM old_calls)
        ORDER BY at LIMIT ?1`,
    )
    .bind(MAX_ROWS_PER_ROUND)
    .all()
  return z.array(Deletable).parse(results)
}
