import { z } from 'zod'

/** The upper bounds of the histograms' buckets, in milliseconds. The trigger `measure_push` has the same. */
export const BUCKETS_MS = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000] as const

const Row = z.object({
  repository: z.string(),
  outcome: z.string(),
  step: z.string(),
  /** -1: beyond the last bound. */
  le: z.number(),
  count: z.number(),
  ms: z.number(),
})

/** The durations of a step in pushes of one repository with one outcome. */
export interface Durations extends Pick<z.infer<typeof Row>, 'repository' | 'outcome' | 'step'> {
  /** The number of durations in each bucket, in the order of BUCKETS_MS. */
  readonly buckets: readonly number[]
  readonly count: number
  readonly ms: number
}

/** Reads the histograms of all steps. */
export async function readDurations(ledger: D1Database): Promise<Durations[]> {
  const { results } = await ledger.prepare('SELECT * FROM durations').all()
  const rows = z.array(Row).parse(results)
  const series = Map.groupBy(rows, ({ repository, outcome, step }) => `${repository} ${outcome} ${step}`)
  return [...series.values()].flatMap(group => {
    const [first] = group
    if (!first) return []
    const { repository, outcome, step } = first
    const sum = (read: (row: z.infer<typeof Row>) => number) => group.reduce((all, row) => all + read(row), 0)
    const buckets = BUCKETS_MS.map(bound => group.find(({ le }) => le === bound)?.count ?? 0)
    return [{ repository, outcome, step, buckets, count: sum(row => row.count), ms: sum(row => row.ms) }]
  })
}
