import { z } from 'zod'
import { Outcome } from '../../contract/outcome.ts'
import { iso } from '../time.ts'

const Row = z
  .object({
    name: z.string(),
    id: z.string(),
    outcome: Outcome,
    step: z.string(),
    started_at: z.number(),
  })
  .transform(({ started_at, ...row }) => ({ ...row, startedAt: iso(started_at) }))
export type LastPush = z.output<typeof Row>

/** Returns the last push of each of these repositories or agents, by name. */
export async function lastPushes(
  ledger: D1Database,
  groupedBy: 'repository' | 'agent',
  names: readonly string[],
): Promise<Map<string, LastPush>> {
  const { results } = await ledger
    .prepare(
      `SELECT n.value AS name, p.id, p.outcome, p.step, p.started_at
         FROM json_each(?) n
         JOIN pushes p ON p.id = (SELECT max(id) FROM pushes WHERE ${groupedBy} = n.value)`,
    )
    .bind(JSON.stringify(names))
    .all()
  return new Map(
    z
      .array(Row)
      .parse(results)
      .map(row => [row.name, row]),
  )
}
