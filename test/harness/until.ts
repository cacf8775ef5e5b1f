import { setTimeout as delay } from 'node:timers/promises'

/** Looks again and again until `look` answers; rejects after `within` milliseconds with what `why` says. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  within: number,
  why: () => string,
): Promise<T> {
  const deadline = Date.now() + within
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`${why()} (after ${within} ms)`)
    await delay(25)
  }
}
