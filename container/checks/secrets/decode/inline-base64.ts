import { kindOf, runsOf } from '../bytes/byte-runs.ts'
import type { Unescaped } from './escapes.ts'

/** An encoded stretch of a text, and what it stands for. */
interface Token {
  readonly from: number
  readonly to: number
  readonly plain: Buffer
}

/** gitleaks' own decoder takes none that is shorter. */
const MIN_BASE64 = 16
const MIN_HEX = 32
const LETTER = kindOf(/[A-Za-z0-9+/_-]/)
const NEWLINE = 10
const EQUALS = 61

/**
 * Base64 and hex that stand for printable text, replaced by it: many of gitleaks' rules need the name before a value,
 * so the line before comes along. It is done here, since gitleaks' own decoder takes four times as long as all of its
 * rules together, over any text.
 */
export function decodedInPlace(content: Buffer): Unescaped | undefined {
  const kept: Buffer[] = []
  const lines: number[] = []
  const keep = (line: number, ...parts: Buffer[]) => {
    kept.push(...parts, Buffer.from('\n'))
    lines.push(line)
  }
  for (const { line, start, end, tokens } of linesWith(tokensIn(content), content)) {
    if (start > 0 && lines.at(-1) !== line - 1)
      keep(line - 1, content.subarray(startOfLine(content, start - 1), start - 1))
    const parts: Buffer[] = []
    let at = start
    for (const { from, to, plain } of tokens) {
      parts.push(content.subarray(at, from), plain)
      at = to
    }
    keep(line, ...parts, content.subarray(at, end))
  }
  return lines.length ? { content: Buffer.concat(kept), lines } : undefined
}

const startOfLine = (content: Buffer, at: number) => (at > 0 ? content.lastIndexOf(NEWLINE, at - 1) + 1 : 0)

const endOfLine = (content: Buffer, at: number) => {
  const newline = content.indexOf(NEWLINE, at)
  return newline < 0 ? content.length : newline
}

/** The lines that have tokens, each with its own, in one pass over the text. */
function* linesWith(
  tokens: Iterable<Token>,
  content: Buffer,
): Generator<{ line: number; start: number; end: number; tokens: readonly Token[] }> {
  let [line, start, end] = [0, 0, endOfLine(content, 0)]
  let own: Token[] = []
  for (const token of tokens) {
    if (token.from > end) {
      if (own.length) yield { line, start, end, tokens: own }
      own = []
      for (; token.from > end; end = endOfLine(content, start)) {
        start = end + 1
        line++
      }
    }
    own.push(token)
  }
  if (own.length) yield { line, start, end, tokens: own }
}

function* tokensIn(content: Buffer): Generator<Token> {
  for (const { from, to } of runsOf(content, LETTER, MIN_BASE64)) {
    const plain = plainOf(content, from, to)
    if (!plain) continue
    let after = to
    while (after < to + 2 && content[after] === EQUALS) after++
    yield { from, to: after, plain }
  }
}

/** What a run of letters stands for, in one line; undefined: nothing that can be read. */
function plainOf(content: Buffer, from: number, to: number): Buffer | undefined {
  const coding = isHex(content, from, to) ? 'hex' : 'base64'
  const start = Buffer.from(content.toString('latin1', from, Math.min(to, from + MIN_BASE64)), coding)
  if (!isPrintable(start)) return undefined
  const plain = Buffer.from(content.toString('latin1', from, to), coding)
  if (!isPrintable(plain)) return undefined
  for (let i = plain.indexOf(NEWLINE); i >= 0; i = plain.indexOf(NEWLINE, i + 1)) plain[i] = 32
  return plain
}

const HEX_DIGIT = kindOf(/[0-9a-fA-F]/)

function isHex(content: Buffer, from: number, to: number): boolean {
  if (to - from < MIN_HEX || (to - from) % 2) return false
  for (let i = from; i < to; i++) if (HEX_DIGIT[content[i] ?? 0] !== 1) return false
  return true
}

const isPrintable = (bytes: Buffer) => bytes.length > 0 && bytes.every(byte => byte > 8 && byte < 127)
