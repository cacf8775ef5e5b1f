import { byteClass, type Run, runsOf } from '../bytes/byte-runs.ts'
import { PRINTABLE } from '../bytes/is-text.ts'
import { lengthPrefixedRuns } from './length-prefixed-strings.ts'

/** Pieces of binary content that can be read, one after the other, and the line of the content for each of theirs. */
export interface StringList {
  readonly content: Buffer
  readonly lines: readonly number[]
}

/** No secret that gitleaks knows is shorter, and random bytes seldom are printable for as long. */
const MIN_RUN_BYTES = 6
/** A length, and the least token behind it. */
const MIN_PREFIXED_BYTES = 17
/** Text has none of these bytes. */
const BINARY_BYTE = byteClass(/[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/)

/**
 * What can be read in binary content, as strings(1) shows it: gitleaks' patterns match printable text only, and
 * spend most of their time on bytes that are none.
 */
export function printableRuns(segment: Buffer, lineAt: (offset: number) => number): StringList {
  return stringsOf(segment, runsOf(segment, PRINTABLE, MIN_RUN_BYTES), lineAt)
}

/** What stands behind its own length in content that is not text throughout. */
export function lengthPrefixedStrings(
  segment: Buffer,
  lineAt: (offset: number) => number,
): StringList | undefined {
  if (!segment.some(byte => BINARY_BYTE[byte] === 1)) return undefined
  const strings: Run[] = []
  for (const run of runsOf(segment, PRINTABLE, MIN_PREFIXED_BYTES))
    for (const string of lengthPrefixedRuns(segment, run)) strings.push(string)
  return strings.length > 0 ? stringsOf(segment, strings, lineAt) : undefined
}

function stringsOf(segment: Buffer, strings: Iterable<Run>, lineAt: (offset: number) => number): StringList {
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
