import type { DecodedBlock } from './decoded-block.ts'

const PRINTABLE = '[\\t\\n\\r\\x20-\\x7e]'
const WIDE_RUNS = ['(?:P\\0\\0\\0){8,}', '(?:\\0\\0\\0P){8,}', '(?:P\\0){8,}', '(?:\\0P){8,}'].map(
  run => new RegExp(run.replace('P', PRINTABLE), 'g'),
)
const [, , UTF16LE_RUN, UTF16BE_RUN] = WIDE_RUNS
/** Every run of wide text matches this, and testing for it first is fast, over zeros in particular. */
const ADJACENT_WIDE = new RegExp(`${PRINTABLE}\\0(?:\\0\\0)?${PRINTABLE}`)

export interface WideText {
  /** The decoded text, where all of the content is wide. */
  readonly whole?: Buffer
  /** Runs of wide text in other content: after an odd number of bytes, or in the other byte order. */
  readonly runs: readonly DecodedBlock[]
}

/**
 * Decodes UTF-16 and UTF-32 of either byte order, with a byte-order mark or without, in whole files and in binaries.
 */
export function wideText(content: Buffer): WideText {
  const whole = decodeWhole(content)
  const text = content.toString('latin1')
  const runs = ADJACENT_WIDE.test(text) ? wideRuns(text, whole?.encoding) : []
  return whole ? { whole: whole.text, runs } : { runs }
}

/** Returns the runs that the whole text, in its encoding, does not repeat. */
function wideRuns(text: string, encoding: WideEncoding | undefined): DecodedBlock[] {
  const runs: DecodedBlock[] = []
  const texts = new Set<string>()
  for (const pattern of WIDE_RUNS) {
    for (const match of text.matchAll(pattern)) {
      if (encoding && repeatsWhole(encoding, pattern, match.index)) continue
      const plain = match[0].replaceAll('\0', '')
      if (texts.has(plain)) continue
      texts.add(plain)
      runs.push({ encoding: 'UTF-16', content: Buffer.from(plain, 'latin1'), offset: match.index })
    }
  }
  return runs
}

/** Returns whether a run repeats the whole text. From an odd byte, that text looks like one of the other byte order. */
function repeatsWhole(encoding: WideEncoding, pattern: RegExp, offset: number): boolean {
  if (encoding === 'utf-32' || (pattern !== UTF16LE_RUN && pattern !== UTF16BE_RUN)) return true
  return (pattern === UTF16LE_RUN) === (encoding === 'utf-16le') ? offset % 2 === 0 : offset % 2 === 1
}

type WideEncoding = 'utf-16le' | 'utf-16be' | 'utf-32'

function decodeWhole(content: Buffer): { encoding: WideEncoding; text: Buffer } | undefined {
  const probe = content.subarray(0, 8192 & ~3)
  const zeros = [0, 0, 0, 0]
  for (let i = 0; i < probe.length; i++) if (probe[i] === 0) zeros[i % 4] = (zeros[i % 4] ?? 0) + 1
  const [a = 0, b = 0, c = 0, d = 0] = zeros.map(count => (count * 4) / Math.max(probe.length, 1))
  if (c > 0.9 && d > 0.9 && b > 0.5 && a < 0.1)
    return { encoding: 'utf-32', text: decodeUtf32(content, false) }
  if (a > 0.9 && b > 0.9 && c > 0.5 && d < 0.1)
    return { encoding: 'utf-32', text: decodeUtf32(content, true) }
  const byteOrderMark = content.length >= 2 ? content.readUInt16BE(0) : 0
  if (byteOrderMark === 0xfffe || (b > 0.5 && d > 0.5 && a < 0.1 && c < 0.1))
    return decodeUtf16(content, 'utf-16le')
  if (byteOrderMark === 0xfeff || (a > 0.5 && c > 0.5 && b < 0.1 && d < 0.1))
    return decodeUtf16(content, 'utf-16be')
  return undefined
}

function decodeUtf16(content: Buffer, encoding: 'utf-16le' | 'utf-16be') {
  return { encoding, text: Buffer.from(new TextDecoder(encoding).decode(content), 'utf8') }
}

function decodeUtf32(content: Buffer, bigEndian: boolean): Buffer {
  const units = Math.floor(content.length / 4)
  const ascii = Buffer.alloc(units)
  for (let i = 0; i < units; i++) {
    const codePoint = bigEndian ? content.readUInt32BE(i * 4) : content.readUInt32LE(i * 4)
    ascii[i] = codePoint < 128 ? codePoint : 63
  }
  return ascii
}
