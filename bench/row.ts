import type { Stage } from './bench-fixture.ts'
import { ratio, type Spread, spread } from './measure.ts'

/** The extent of a measurement. */
export interface Effort {
  /** The number of rounds of a comparison. Long comparisons take fewer. */
  readonly rounds: number
  /** Cuts sizes to about a tenth, to test the bench itself. */
  readonly quick: boolean
}

/** A line of the table. */
export interface Result {
  readonly work: string
  readonly against: string
  /** The limit of the ratio. Absent: the table only shows the ratio. */
  readonly target?: number | undefined
  readonly ratio?: Spread | undefined
  /** The number of rounds of the ratio. */
  readonly rounds?: number | undefined
  /** The measurement of the gate, as text with units. `peer` is the same of the peer. */
  readonly gate: string
  readonly peer: string
  readonly reached?: boolean | undefined
  readonly note?: string | undefined
  /** Markdown below the table. */
  readonly detail?: string | undefined
}

/** A measurement that yields lines of the table, which share their preparation. */
export interface Row {
  readonly name: string
  run(stage: Stage, effort: Effort): Promise<readonly Result[]>
}

export const milliseconds = (values: readonly number[]): string => {
  const { median, low, high } = spread(values)
  return `${median.toFixed(0)} ms (${low.toFixed(0)}–${high.toFixed(0)})`
}

/** Returns the line for two series of times (milliseconds) of the same rounds. */
export function compared(
  line: Pick<Result, 'work' | 'against' | 'note'> & { target?: number },
  ours: readonly number[],
  theirs: readonly number[],
): Result {
  const found = ratio(ours, theirs)
  return {
    ...line,
    ratio: found,
    rounds: ours.length,
    gate: milliseconds(ours),
    peer: milliseconds(theirs),
    ...(line.target === undefined ? {} : { reached: found.median <= line.target }),
  }
}
