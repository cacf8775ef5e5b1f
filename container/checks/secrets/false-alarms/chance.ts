import type { LocatedMatch } from '../gitleaks/locate.ts'

/** The most letters of a name that random bytes have now and then, in any case. */
const SHORT_NAME = 4

/** The fewest characters of a string with a short name and a value, in bytes that may be random. */
const MIN_STRING = 14
/** The characters of a string that random bytes never have in a row: a third of all bytes is printable. */
const LONG_STRING = 20
/** The most signs in the value of a shorter string: a third of random printable bytes is signs. */
const MAX_SIGNS = 2

/** A word in small letters, in capitals, or in camel case. */
const WORD = /^(?:[A-Za-z]?[a-z]+(?:[A-Z][a-z]+)*|[A-Z]+)$/

/**
 * Returns whether a short name such as `pwd` and the value after it are random bytes of binary content: an object of
 * gigabytes has such a string somewhere. A secret there has a name in the case of a word, and a string of some length.
 */
export function isByChance({ isBinary, text, match, secret }: LocatedMatch): boolean {
  if (!isBinary) return false
  const name = /^[_.-]?([A-Za-z]+)/.exec(match)?.[1] ?? ''
  if (name.length > SHORT_NAME) return false
  const offset = text.indexOf(match)
  const before = offset < 0 ? '' : (/[A-Za-z]*$/.exec(text.slice(0, offset))?.[0] ?? '')
  if (!WORD.test(match.startsWith(name) ? before + name : name)) return true
  const signs = secret.replace(/[A-Za-z0-9]/g, '').length
  return text.length < MIN_STRING || (text.length < LONG_STRING && signs > MAX_SIGNS)
}
