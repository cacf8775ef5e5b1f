import { RE2JS } from 're2js'
import { LimitExceeded } from '../../limits.ts'

/** The characters of all patterns of one configuration, with their counted repeats written out: what compiling costs. */
const MAX_SIZE = 20_000
/** The longest path that Linux opens. A longer one is matched by no pattern, so its findings stand. */
const MAX_PATH_LENGTH = 4_096

/** Does a pattern match somewhere in this path? Undefined: the path is too long to say. */
export type PathTest = (path: string) => boolean | undefined

/**
 * The path patterns of one gitleaks configuration: Go's regular expressions, run by RE2, whose time is the pattern's
 * size times the path's length. The pattern comes from an operator, the path from an agent.
 */
export class PathPatterns {
  readonly #maxSteps: number
  #size = 0
  #steps = 0

  /** After `maxSteps` instructions a test throws LimitExceeded: a thread that others use has no more time for it. */
  constructor(maxSteps = Number.POSITIVE_INFINITY) {
    this.#maxSteps = maxSteps
  }

  /** Throws when the pattern is no regular expression of Go's, or too large. */
  compile(pattern: string): PathTest {
    this.#size += sizeOf(pattern)
    if (this.#size > MAX_SIZE)
      throw new Error('the path patterns are too large: shorten them, or the counts of their repeats')
    const compiled = readPattern(pattern)
    const instructions = compiled.programSize()
    const known = new Map<string, boolean>()
    return path => {
      if (path.length > MAX_PATH_LENGTH) return undefined
      const before = known.get(path)
      if (before !== undefined) return before
      this.#steps += instructions * path.length
      if (this.#steps > this.#maxSteps) throw new LimitExceeded('its paths take too long to match', '')
      const matches = compiled.test(path)
      known.set(path, matches)
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

/** How many characters a pattern has, about, with its counted repeats written out. */
function sizeOf(pattern: string): number {
  const token = /\\.|\[\^?\]?(?:\\.|\[:\w*:\]|[^\]\\])*\]|\{(?<least>\d+)(?:,(?<most>\d*))?\}|[^]/gu
  let here = { total: 0, last: 0 }
  const around: (typeof here)[] = []
  for (const { 0: text, groups } of pattern.matchAll(token)) {
    const count = Number(groups?.most || groups?.least || 1)
    if (text === '(') {
      around.push(here)
      here = { total: 0, last: 0 }
    } else if (text === ')') {
      const { total } = here
      here = around.pop() ?? { total: 0, last: 0 }
      here = { total: here.total + total, last: total }
    } else if (groups?.least !== undefined) {
      here = { total: here.total + here.last * (count - 1), last: here.last * count }
    } else here = { total: here.total + 1, last: 1 }
  }
  return around.reduce((sum, { total }) => sum + total, here.total)
}
