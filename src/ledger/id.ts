const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * Returns an id that sorts by time: 10 characters of Unix milliseconds and 10 random, in Crockford's base 32.
 */
export function newId(now = Date.now()): string {
  const random = Array.from(crypto.getRandomValues(new Uint8Array(10)), byte => ALPHABET[byte % 32]).join('')
  return minIdAt(now) + random
}

/** Returns the prefix after which every id of `ms` (Unix milliseconds) or later sorts. */
export function minIdAt(ms: number): string {
  let time = ''
  for (let rest = ms, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) time = ALPHABET[rest % 32] + time
  return time
}
