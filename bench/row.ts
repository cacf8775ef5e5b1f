import type { Stage } from './bench-fixture.ts'
import { ratio, type Spread, spread } from './measure.ts'

/** How much of a measurement is wanted. */
export interface Effort {
  /** Rounds of a comparison that takes seconds; long ones take fewer. */
  readonly rounds: number
  /** Sizes are cut to a tenth, for a look at whether it works. */
  readonly quick: boolean
}

/** One line of the table. */
export interface Result {
  readonly work: string
  readonly against: string
  /** What the ratio is to be at most; absent: it is only told. */
  readonly target?: number | undefined
  readonly ratio?: Spread | undefined
  /** How many rounds the ratio is of. */
  readonly rounds?: number | undefined
  /** What was measured of each side, in words with units. */
  readonly gate: string
  readonly peer: string
  readonly reached?: boolean | undefined
  readonly note?: string | undefined
}

/** A line of the table, or several that share their preparation. */
export interface Row {
  readonly name: string
  run(stage: Stage, effort: Effort): Promise<readonly Result[]>
}

export const milliseconds = (values: readonly number[]): string => {
  const { median, low, high } = spread(values)
  return `${median.toFixed(0)} ms (${low.toFixed(0)}–${high.toFixed(0)})`
}

/** The line for two series of times of the same rounds. */
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
