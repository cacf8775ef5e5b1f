import { setTimeout as delay } from 'node:timers/promises'

/** The shortest and the longest time between two looks, in milliseconds. */
const [SHORTEST, LONGEST] = [25, 250]

/**
 * Calls `look` until it returns a value, less often the longer that takes: a look can list all processes, and
 * other tests need the processors. Rejects after `within` milliseconds with the text of `why`.
 */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  within: number,
  why: () => string,
): Promise<T> {
  const started = Date.now()
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    const waited = Date.now() - started
    if (waited > within) throw new Error(`${why()} (after ${within} ms)`)
    await delay(Math.min(Math.max(waited / 10, SHORTEST), LONGEST))
  }
}
