import { z } from 'zod'
import { DisconnectReason, Outcome } from '../../contract/outcome.ts'

/** Step times are taken from this many pushes at most, the newest. */
export const SAMPLE = 2_000

/** A stretch of time in slots of `slotMs` milliseconds that begin at `from` (Unix milliseconds). */
export interface Slots {
  readonly from: number
  readonly slotMs: number
  readonly slots: number
}

const OutcomeRow = z.object({ slot: z.number(), outcome: Outcome, pushes: z.number() })
/** How many pushes of a slot of time ended in an outcome; slots count from 0. */
export type OutcomesOfSlot = z.infer<typeof OutcomeRow>

/** Pushes by outcome, over time. */
export async function outcomesOverTime(
  ledger: D1Database,
  { from, slotMs, slots }: Slots,
): Promise<OutcomesOfSlot[]> {
  const { results } = await ledger
    .prepare(
      `SELECT CAST((started_at - ?1) / ?2 AS INTEGER) AS slot, outcome, count(*) AS pushes FROM pushes
       WHERE started_at >= ?1 AND started_at < ?1 + ?2 * ?3 GROUP BY slot, outcome ORDER BY slot`,
    )
    .bind(from, slotMs, slots)
    .all()
  return z.array(OutcomeRow).parse(results)
}

const ReapedRow = z.object({ slot: z.number(), reaped: DisconnectReason, pushes: z.number() })
/** How many pushes of a slot were let go before their end, by why. */
export type ReapedOfSlot = z.infer<typeof ReapedRow>

/** Pushes whose session was let go, over time. */
export async function reapedOverTime(
  ledger: D1Database,
  { from, slotMs, slots }: Slots,
): Promise<ReapedOfSlot[]> {
  const { results } = await ledger
    .prepare(
      `SELECT CAST((started_at - ?1) / ?2 AS INTEGER) AS slot, reaped, count(*) AS pushes FROM pushes
       WHERE started_at >= ?1 AND started_at < ?1 + ?2 * ?3 AND reaped IS NOT NULL
       GROUP BY slot, reaped ORDER BY slot`,
    )
    .bind(from, slotMs, slots)
    .all()
  return z.array(ReapedRow).parse(results)
}

const ScannedRow = z.object({ slot: z.number(), bytes: z.number(), pushes: z.number() })
/** How much of a slot's pushes was scanned, and of how many. */
export type ScannedOfSlot = z.infer<typeof ScannedRow>

/** What gitleaks was given to read, over time. */
export async function scannedOverTime(
  ledger: D1Database,
  { from, slotMs, slots }: Slots,
): Promise<ScannedOfSlot[]> {
  const { results } = await ledger
    .prepare(
      `SELECT CAST((started_at - ?1) / ?2 AS INTEGER) AS slot, sum(scanned_bytes) AS bytes, count(*) AS pushes
       FROM pushes WHERE started_at >= ?1 AND started_at < ?1 + ?2 * ?3 AND scanned_bytes > 0
       GROUP BY slot ORDER BY slot`,
    )
    .bind(from, slotMs, slots)
    .all()
  return z.array(ScannedRow).parse(results)
}

const StepRow = z.object({ step: z.string(), pushes: z.number(), median: z.number(), p95: z.number() })
/** How long a step of a push takes, in milliseconds. */
export type StepOverview = z.infer<typeof StepRow>

/** Median and 95th percentile of every step's time, of the pushes since `from` (Unix milliseconds). */
export async function stepTimes(ledger: D1Database, from: number): Promise<StepOverview[]> {
  const { results } = await ledger
    .prepare(
      `WITH recent AS (
         SELECT steps FROM pushes WHERE started_at >= ? ORDER BY started_at DESC LIMIT ${SAMPLE}),
       times AS (
         SELECT s.value ->> 'step' AS step, s.value ->> 'ms' AS ms, s.key AS place
           FROM recent JOIN json_each(recent.steps) s),
       ranked AS (
         SELECT step, ms, place, row_number() OVER (PARTITION BY step ORDER BY ms) AS rank,
                count(*) OVER (PARTITION BY step) AS pushes
           FROM times)
       SELECT step, max(pushes) AS pushes,
              min(CASE WHEN rank * 2 >= pushes THEN ms END) AS median,
              min(CASE WHEN rank * 100 >= pushes * 95 THEN ms END) AS p95
         FROM ranked GROUP BY step ORDER BY avg(place)`,
    )
    .bind(from)
    .all()
  return z.array(StepRow).parse(results)
}

const AgentRow = z.object({
  agent: z.string(),
  pushes: z.number(),
  accepted: z.number(),
  refused: z.number(),
  other: z.number(),
})
export type AgentOverview = z.infer<typeof AgentRow>

/** The agents that pushed most since `from` (Unix milliseconds), and how their pushes ended. */
export async function busiestAgents(ledger: D1Database, from: number): Promise<AgentOverview[]> {
  const { results } = await ledger
    .prepare(
      `SELECT agent, count(*) AS pushes, sum(outcome = 'accepted') AS accepted, sum(outcome = 'refused') AS refused,
              sum(outcome NOT IN ('accepted', 'refused')) AS other
         FROM pushes WHERE started_at >= ? GROUP BY agent ORDER BY pushes DESC, agent LIMIT 10`,
    )
    .bind(from)
    .all()
  return z.array(AgentRow).parse(results)
}
