import { z } from 'zod'
import { Outcome } from '../../contract/outcome.ts'
import { minIdAt } from '../id.ts'

const Row = z.object({
  repository: z.string(),
  outcome: Outcome,
  pushes: z.number(),
  findings: z.number(),
})
/** An agent's pushes to a repository with the same outcome. */
export type DayCount = z.infer<typeof Row>

/** Counts an agent's pushes in a time range (Unix milliseconds), by repository and outcome. */
export async function countPushesOfAgent(
  ledger: D1Database,
  agent: string,
  { from, to }: { from: number; to: number },
): Promise<DayCount[]> {
  const { results } = await ledger
    .prepare(
      `SELECT repository, outcome, count(*) AS pushes, sum(json_array_length(findings)) AS findings
         FROM pushes WHERE agent = ? AND id >= ? AND id < ?
        GROUP BY repository, outcome ORDER BY repository, outcome`,
    )
    .bind(agent, minIdAt(from), minIdAt(to))
    .all()
  return z.array(Row).parse(results)
}
