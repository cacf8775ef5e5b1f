import { z } from 'zod'
import { DisconnectReason, Outcome } from '../../contract/outcome.ts'

/** The limit of pushes whose step times count, newest first. */
export const MAX_SAMPLED_PUSHES = 2_000

/** A time range of `slots` slots, each `slotMs` milliseconds long, from `from` (Unix milliseconds). */
export interface Slots {
  readonly from: number
  readonly slotMs: number
  readonly slots: number
}

const OutcomeRow = z.object({ slot: z.number(), outcome: Outcome, pushes: z.number() })
/** The number of pushes of a slot with an outcome. Slots count from 0. */
export type OutcomesOfSlot = z.infer<typeof OutcomeRow>

/** Counts pushes by slot and outcome. */
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

const DisconnectsRow = z.object({ slot: z.number(), disconnect_reason: DisconnectReason, pushes: z.number() })
/** The number of pushes of a slot whose session ended early for a reason. */
export type DisconnectsOfSlot = z.infer<typeof DisconnectsRow>

/** Counts pushes whose session ended early, by slot and reason. */
export async function disconnectsOverTime(
  ledger: D1Database,
  { from, slotMs, slots }: Slots,
): Promise<DisconnectsOfSlot[]> {
  const { results } = await ledger
    .prepare(
      `SELECT CAST((started_at - ?1) / ?2 AS INTEGER) AS slot, disconnect_reason, count(*) AS pushes FROM pushes
       WHERE started_at >= ?1 AND started_at < ?1 + ?2 * ?3 AND disconnect_reason IS NOT NULL
       GROUP BY slot, disconnect_reason ORDER BY slot`,
    )
    .bind(from, slotMs, slots)
    .all()
  return z.array(DisconnectsRow).parse(results)
}

const ScannedRow = z.object({ slot: z.number(), bytes: z.number(), pushes: z.number() })
/** The scanned bytes of a slot, and the number of scanned pushes. */
export type ScannedOfSlot = z.infer<typeof ScannedRow>

/** Sums the bytes that gitleaks scanned, by slot. */
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
/** The duration of a step over many pushes, in milliseconds. */
export type StepOverview = z.infer<typeof StepRow>

/**
 * Returns the median and 95th percentile of every step's duration, over the pushes since `from` (Unix
 * milliseconds).
 */
export async function stepTimes(ledger: D1Database, from: number): Promise<StepOverview[]> {
  const { results } = await ledger
    .prepare(
      `WITH recent AS (
         SELECT steps FROM pushes WHERE started_at >= ? ORDER BY started_at DESC LIMIT ${MAX_SAMPLED_PUSHES}),
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

/** Returns the agents with most pushes since `from` (Unix milliseconds), with counts by outcome. */
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
