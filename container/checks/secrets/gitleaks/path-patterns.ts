import { RE2JS } from 're2js'
import { LimitExceeded } from '../../limits.ts'

/**
 * The largest size of all patterns of one configuration, in characters with counted repetitions expanded. It bounds the
 * time of compiling.
 */
const MAX_SIZE = 20_000
/** The longest path that Linux opens, in bytes. No pattern matches a longer one, so its findings stand. */
const MAX_PATH_LENGTH = 4_096

/** Returns whether a pattern matches a part of the path. Undefined: the path is too long. */
export type PathTest = (path: string) => boolean | undefined

/**
 * The path patterns of one gitleaks configuration: Go's regular expressions, run by RE2 in a time of the pattern's size
 * times the path's length. The pattern comes from an operator, the path from an agent.
 */
export class PathPatterns {
  readonly #maxSteps: number
  #size = 0
  #steps = 0

  /** After `maxSteps` instructions a test throws LimitExceeded, so that a shared thread is not blocked. */
  constructor(maxSteps = Number.POSITIVE_INFINITY) {
    this.#maxSteps = maxSteps
  }

  /** Throws an Error when the pattern is invalid in Go or too large. */
  compile(pattern: string): PathTest {
    this.#size += sizeOf(pattern)
    if (this.#size > MAX_SIZE)
      throw new Error('the path patterns are too large: shorten them, or the counts of their repeats')
    const compiled = readPattern(pattern)
    const instructions = compiled.programSize()
    const cache = new Map<string, boolean>()
    return path => {
      if (path.length > MAX_PATH_LENGTH) return undefined
      const cached = cache.get(path)
      if (cached !== undefined) return cached
      this.#steps += instructions * path.length
      if (this.#steps > this.#maxSteps) throw new LimitExceeded('its paths take too long to match', '')
      const matches = compiled.test(path)
      cache.set(path, matches)
      return matches
    }
  }
}

function readPattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch {
    throw new Error(`the path pattern ${pattern} cannot be read as a regular expression of Go`)
  }
}

/** Returns the approximate length of a pattern with its counted repetitions expanded. */
function sizeOf(pattern: string): number {
  const token = /\\.|\[\^?\]?(?:\\.|\[:\w*:\]|[^\]\\])*\]|\{(?<min>\d+)(?:,(?<max>\d*))?\}|[\s\S]/gu
  let group = { total: 0, last: 0 }
  const enclosing: (typeof group)[] = []
  for (const { 0: text, groups } of pattern.matchAll(token)) {
    const count = Number(groups?.max || groups?.min || 1)
    if (text === '(') {
      enclosing.push(group)
      group = { total: 0, last: 0 }
    } else if (text === ')') {
      const { total } = group
      group = enclosing.pop() ?? { total: 0, last: 0 }
      group = { total: group.total + total, last: total }
    } else if (groups?.min !== undefined) {
      group = { total: group.total + group.last * (count - 1), last: group.last * count }
    } else group = { total: group.total + 1, last: 1 }
  }
  return enclosing.reduce((sum, { total }) => sum + total, group.total)
}
