import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'

/** A side of a comparison. `run` does the work once and returns the measured milliseconds. */
export interface Contender {
  readonly name: string
  run(round: number): Promise<number>
}

/** Returns the wall-clock time of `work`, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/**
 * Measures every contender over the same rounds. The order rotates with each round, so that no contender
 * always runs right after the same other contender. An uncounted first round warms the caches.
 */
export async function compare(
  contenders: readonly Contender[],
  rounds: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const times = new Map<string, number[]>(contenders.map(each => [each.name, []]))
  for (let round = 0; round <= rounds; round++)
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(round + i) % contenders.length]
      if (!contender) continue
      const ms = await contender.run(round)
      if (round > 0) times.get(contender.name)?.push(ms)
    }
  return times
}

export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (index: number) => sorted[Math.max(0, Math.min(sorted.length - 1, index))] ?? Number.NaN
  const middle = sorted.length / 2
  const median = sorted.length % 2 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2
  return { median, low: at(0), high: at(sorted.length - 1) }
}

/** Returns the ratio round by round, so that a temporary load on the machine affects both sides. */
export const ratio = (ours: readonly number[], theirs: readonly number[]): Spread =>
  spread(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)))

/** Keeps one core busy until it is disposed of, as an agent beside its gate does. */
export function busyCore(): AsyncDisposable {
  const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
  const ended = once(child, 'close')
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
