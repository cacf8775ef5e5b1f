import { setTimeout as delay } from 'node:timers/promises'

/** Calls `look` until it returns a value. Rejects after `within` milliseconds with the text of `why`. */
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
