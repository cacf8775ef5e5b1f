import { kindOf, type Run, runsOf } from '../bytes/byte-runs.ts'
import { READABLE } from '../bytes/is-text.ts'
import { prefixedIn } from './length-prefixed-strings.ts'

/** Pieces of binary content that can be read, one after the other, and the line of the content for each of theirs. */
export interface Strings {
  readonly content: Buffer
  readonly lines: readonly number[]
}

/** No secret that gitleaks knows is shorter, and random bytes seldom are printable for as long. */
const RUN_BYTES = 6
/** A length, and the least token behind it. */
const PREFIXED_BYTES = 17
/** Text has none of these bytes. */
const BINARY = kindOf(/[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/)

/**
 * What can be read in binary content, as strings(1) shows it: gitleaks' patterns match printable text only, and
 * spend most of their time on bytes that are none.
 */
export function printableRuns(segment: Buffer, lineAt: (offset: number) => number): Strings {
  return stringsOf(segment, runsOf(segment, READABLE, RUN_BYTES), lineAt)
}

/** What stands behind its own length in content that is not text throughout. */
export function prefixedStrings(segment: Buffer, lineAt: (offset: number) => number): Strings | undefined {
  if (!segment.some(byte => BINARY[byte] === 1)) return undefined
  const strings: Run[] = []
  for (const run of runsOf(segment, READABLE, PREFIXED_BYTES))
    for (const string of prefixedIn(segment, run)) strings.push(string)
  return strings.length > 0 ? stringsOf(segment, strings, lineAt) : undefined
}

function stringsOf(segment: Buffer, strings: Iterable<Run>, lineAt: (offset: number) => number): Strings {
  const texts: string[] = []
  const lines: number[] = []
  for (const { from, to } of strings) {
    const first = lineAt(from)
    const text = segment.toString('latin1', from, to)
    texts.push(text)
    for (let row = text.split('\n').length, i = 0; i < row; i++) lines.push(first + i)
  }
  return { content: Buffer.from(`${texts.join('\n')}\n`, 'latin1'), lines }
}
