import { isRandom } from './randomness.ts'

const ID =
  /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i
/** Words before a digest, as keys of caches have them. */
const ID_WORDS = /^(?:[a-z][a-z.]{1,20}-){1,5}(?=[0-9a-f]{32,}$)/i

/** Digests in hex and UUIDs, as ids are. */
export const isId = (value: string) => ID.test(value.replace(ID_WORDS, ''))

/** Returns whether the value is the name of a function that is called. */
export const isCall = (value: string, line: string) => {
  const after = line.slice(line.indexOf(value) + value.length)
  return /^\(/.test(after) && /^[A-Za-z_$][\w.$]*$/.test(value) && !isRandom(value, 20)
}

/** Returns the user and the password of basic authentication, `user:password`; undefined: the value is something else. */
export function userAndPassword(value: string): string | undefined {
  if (!/^[A-Za-z0-9+/]{8,}={0,2}$/.test(value)) return undefined
  const pair = Buffer.from(value, 'base64').toString('latin1')
  return pair.indexOf(':') > 0 && /^[\x20-\x7e]+$/.test(pair) ? pair : undefined
}

/** Counts the characters of a key block that are in random runs, as those of a key are. */
export function keyMaterial(block: string): number {
  const runs = block.replace(/-----[^-\n]*-----/g, ' ').match(/[A-Za-z0-9+/=]{16,}/g) ?? []
  return runs.filter(run => isRandom(run, 12)).reduce((sum, run) => sum + run.length, 0)
}
