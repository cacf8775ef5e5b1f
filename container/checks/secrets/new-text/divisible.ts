import { isUtf8 } from 'node:buffer'
import type { Budget } from '../bytes/budget.ts'
import { byteClass, hasByte } from '../bytes/byte-runs.ts'
import { hasTable } from '../decode/documents/tables.ts'
import { isRecording } from '../decode/documents/terminal-recordings.ts'
import { SECRET_KIND } from '../gitleaks/kubernetes-secrets.ts'
import { KEY_STORE_NAME, scanNameFor, YAML_NAME } from '../gitleaks/scan-names.ts'
import { containsStream } from '../unpack/find-streams.ts'

const CONTROL = byteClass(/[\x00-\x08\x0e-\x1f\x7f]/)

/**
 * Marks of a content that a part of a text does not show: the header of mail, private keys of all forms, and blocks of
 * several lines with a mark of their own (base85-uuencode.ts).
 */
const MARKS =
  /quoted-printable|-----BEGIN|%PDF-|---- BEGIN SSH2|"kty"|^Private-Lines: |^begin [0-7]{3,4} |^(?:literal|delta) \d/im

/** The facts that decide whether a part of a text has the same matches as the whole text there. */
export interface Traits {
  /** The name that the text is scanned under. */
  readonly name: string
  /** True for text in UTF-8 without control characters. */
  readonly isPlain: boolean
  readonly hasMark: boolean
  /** The two ends of ascii85. */
  readonly hasAscii85: readonly [begin: boolean, end: boolean]
}

/** Returns the traits of a text, or of the part of it that its predecessor does not have. */
export function traitsOf(content: Buffer, path: string, budget: Budget): Traits {
  const name = scanNameFor(path)
  const isPlain = isPlainText(content)
  if (!isPlain || name === KEY_STORE_NAME) return { name, isPlain, hasMark: true, hasAscii85: [true, true] }
  const text = content.toString('latin1')
  return {
    name,
    isPlain,
    hasMark:
      MARKS.test(text) ||
      isRecording(text) ||
      hasTable(text) ||
      (name === YAML_NAME && SECRET_KIND.test(text)) ||
      containsStream(content, budget),
    hasAscii85: [text.includes('<~') || text.includes('stream'), text.includes('~>')],
  }
}

/** Returns the traits of a text of which one part has the first traits and the other part the second. */
export function joinTraits(left: Traits, right: Traits): Traits {
  return {
    name: left.name,
    isPlain: left.isPlain && right.isPlain,
    hasMark: left.hasMark || right.hasMark,
    hasAscii85: [left.hasAscii85[0] || right.hasAscii85[0], left.hasAscii85[1] || right.hasAscii85[1]],
  }
}

/** Returns whether a part of the text gives the same matches as the whole text does there. */
export const isDivisible = ({ isPlain, hasMark, hasAscii85: [begin, end] }: Traits): boolean =>
  isPlain && !hasMark && !(begin && end)

const isPlainText = (content: Buffer): boolean => isUtf8(content) && !hasByte(content, CONTROL)
