import { byteClass, type Run, runsOf } from '../bytes/byte-runs.ts'
import { PRINTABLE } from '../bytes/is-text.ts'
import { hasByteOf, type Survey } from '../bytes/survey.ts'
import { lengthPrefixedRuns } from './length-prefixed-strings.ts'

/** The strings of binary content, one after the other, and the line of the content for each of their lines. */
export interface StringList {
  readonly content: Buffer
  readonly lines: readonly number[]
}

/** The shortest printable run. No secret that gitleaks knows is shorter, and random bytes rarely have such a run. */
const MIN_RUN_BYTES = 6
/** A length byte and the shortest token after it. */
const MIN_PREFIXED_BYTES = 17
/** Bytes that do not occur in text. */
const BINARY_BYTE = byteClass(/[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/)

/**
 * Returns the printable strings of binary content, as strings(1) does. gitleaks' patterns match printable text only,
 * and take most of their time on other bytes.
 */
export function printableRuns(segment: Buffer, lineAt: (offset: number) => number): StringList {
  return stringsOf(segment, runsOf(segment, PRINTABLE, MIN_RUN_BYTES), lineAt)
}

/** Returns the strings that follow their own length in binary content; undefined: there are none. */
export function lengthPrefixedStrings(
  segment: Buffer,
  lineAt: (offset: number) => number,
  survey: Survey,
): StringList | undefined {
  if (!hasByteOf(survey, BINARY_BYTE)) return undefined
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
