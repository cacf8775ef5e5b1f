import { byteClass, runsOf } from '../bytes/byte-runs.ts'
import { BASE64_BYTE } from '../bytes/survey.ts'
import type { DecodedLines } from './escapes.ts'
import { base64Start, hexStart } from './token-bytes.ts'

/** A run of base64 or hex in a text, and its decoded bytes. */
interface Token {
  readonly from: number
  readonly to: number
  readonly decoded: Buffer
}

/** gitleaks' own decoder takes no shorter run. */
export const MIN_INLINE_RUN = 16
const MIN_HEX = 32
const NEWLINE = 10
const EQUALS = 61

/**
 * Replaces base64 and hex of printable text by that text inside the line. Many rules of gitleaks need the name before a
 * value, so the line before is returned too. gitleaks' own decoder would take four times as long as all of its rules
 * together.
 */
export function decodeInline(content: Buffer): DecodedLines | undefined {
  const output: Buffer[] = []
  const lines: number[] = []
  const keep = (line: number, ...parts: Buffer[]) => {
    output.push(...parts, Buffer.from('\n'))
    lines.push(line)
  }
  for (const { line, start, end, tokens } of linesWithTokens(encodedTokens(content), content)) {
    if (start > 0 && lines.at(-1) !== line - 1)
      keep(line - 1, content.subarray(startOfLine(content, start - 1), start - 1))
    const parts: Buffer[] = []
    let position = start
    for (const { from, to, decoded } of tokens) {
      parts.push(content.subarray(position, from), decoded)
      position = to
    }
    keep(line, ...parts, content.subarray(position, end))
  }
  return lines.length ? { content: Buffer.concat(output), lines } : undefined
}

const startOfLine = (content: Buffer, position: number) =>
  position > 0 ? content.lastIndexOf(NEWLINE, position - 1) + 1 : 0

const endOfLine = (content: Buffer, position: number) => {
  const newline = content.indexOf(NEWLINE, position)
  return newline < 0 ? content.length : newline
}

/** Yields the lines that have tokens, each with its tokens, in one pass over the text. */
function* linesWithTokens(
  tokens: Iterable<Token>,
  content: Buffer,
): Generator<{ line: number; start: number; end: number; tokens: readonly Token[] }> {
  let [line, start, end] = [0, 0, endOfLine(content, 0)]
  let lineTokens: Token[] = []
  for (const token of tokens) {
    if (token.from > end) {
      if (lineTokens.length) yield { line, start, end, tokens: lineTokens }
      lineTokens = []
      for (; token.from > end; end = endOfLine(content, start)) {
        start = end + 1
        line++
      }
    }
    lineTokens.push(token)
  }
  if (lineTokens.length) yield { line, start, end, tokens: lineTokens }
}

function* encodedTokens(content: Buffer): Generator<Token> {
  for (const { from, to } of runsOf(content, BASE64_BYTE, MIN_INLINE_RUN)) {
    const decoded = decodeToken(content, from, to)
    if (!decoded) continue
    let after = to
    while (after < to + 2 && content[after] === EQUALS) after++
    yield { from, to: after, decoded }
  }
}

/** Decodes a run to one line of printable text; undefined: it decodes to something else. */
function decodeToken(content: Buffer, from: number, to: number): Buffer | undefined {
  const isOfHex = isHex(content, from, to)
  const decodeStart = isOfHex ? hexStart : base64Start
  if (!isPrintable(decodeStart(content, from, Math.min(to, from + MIN_INLINE_RUN)))) return undefined
  const decoded = Buffer.from(content.toString('latin1', from, to), isOfHex ? 'hex' : 'base64')
  if (!isPrintable(decoded)) return undefined
  for (let i = decoded.indexOf(NEWLINE); i >= 0; i = decoded.indexOf(NEWLINE, i + 1)) decoded[i] = 32
  return decoded
}

const HEX_DIGIT = byteClass(/[0-9a-fA-F]/)

function isHex(content: Buffer, from: number, to: number): boolean {
  if (to - from < MIN_HEX || (to - from) % 2) return false
  for (let i = from; i < to; i++) if (HEX_DIGIT[content[i] ?? 0] !== 1) return false
  return true
}

function isPrintable(bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (byte <= 8 || byte >= 127) return false
  }
  return bytes.length > 0
}
