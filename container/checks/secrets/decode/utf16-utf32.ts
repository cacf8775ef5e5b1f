import type { Decoded } from './encoded-blocks.ts'

const PRINTABLE = '[\\t\\n\\r\\x20-\\x7e]'
const WIDE_RUNS = ['(?:P\\0\\0\\0){8,}', '(?:\\0\\0\\0P){8,}', '(?:P\\0){8,}', '(?:\\0P){8,}'].map(
  run => new RegExp(run.replace('P', PRINTABLE), 'g'),
)
const [, , LITTLE, BIG] = WIDE_RUNS
/** Every such run has it. To look for nothing else takes next to no time, of zeros in particular. */
const TWO_WIDE = new RegExp(`${PRINTABLE}\\0(?:\\0\\0)?${PRINTABLE}`)

interface Wide {
  /** What it says when it is wide as a whole. */
  readonly whole?: Buffer
  /** Wide text in what is not, or not throughout: after a byte too many, or in the other byte order. */
  readonly runs: readonly Decoded[]
}

/** UTF-16 and UTF-32, of either byte order, with a byte-order mark or without, whole files or pieces of binaries. */
export function wideText(content: Buffer): Wide {
  if (!content.includes(0)) return { runs: [] }
  const whole = wholeWide(content)
  const text = content.toString('latin1')
  const runs = TWO_WIDE.test(text) ? wideRuns(text, whole?.order) : []
  return whole ? { whole: whole.text, runs } : { runs }
}

/** The runs but those that are only the whole again, whose order that is. */
function wideRuns(text: string, order: Order | undefined): Decoded[] {
  const runs: Decoded[] = []
  const seen = new Set<string>()
  for (const pattern of WIDE_RUNS) {
    for (const match of text.matchAll(pattern)) {
      if (order && isPartOf(order, pattern, match.index)) continue
      const plain = match[0].replaceAll('\0', '')
      if (seen.has(plain)) continue
      seen.add(plain)
      runs.push({ how: 'UTF-16', content: Buffer.from(plain, 'latin1'), at: match.index })
    }
  }
  return runs
}

/** Is a run but the whole text again? Seen from an odd byte, it looks like one of the other byte order. */
function isPartOf(order: Order, pattern: RegExp, at: number): boolean {
  if (order === 'utf-32' || (pattern !== LITTLE && pattern !== BIG)) return true
  return (pattern === LITTLE) === (order === 'utf-16le') ? at % 2 === 0 : at % 2 === 1
}

type Order = 'utf-16le' | 'utf-16be' | 'utf-32'

function wholeWide(content: Buffer): { order: Order; text: Buffer } | undefined {
  const probe = content.subarray(0, 8192 & ~3)
  const zeros = [0, 0, 0, 0]
  for (let i = 0; i < probe.length; i++) if (probe[i] === 0) zeros[i % 4] = (zeros[i % 4] ?? 0) + 1
  const [a = 0, b = 0, c = 0, d = 0] = zeros.map(count => (count * 4) / Math.max(probe.length, 1))
  if (c > 0.9 && d > 0.9 && b > 0.5 && a < 0.1) return { order: 'utf-32', text: fromUtf32(content, false) }
  if (a > 0.9 && b > 0.9 && c > 0.5 && d < 0.1) return { order: 'utf-32', text: fromUtf32(content, true) }
  const mark = content.length >= 2 ? content.readUInt16BE(0) : 0
  if (mark === 0xfffe || (b > 0.5 && d > 0.5 && a < 0.1 && c < 0.1)) return fromUtf16(content, 'utf-16le')
  if (mark === 0xfeff || (a > 0.5 && c > 0.5 && b < 0.1 && d < 0.1)) return fromUtf16(content, 'utf-16be')
  return undefined
}

function fromUtf16(content: Buffer, order: 'utf-16le' | 'utf-16be') {
  return { order, text: Buffer.from(new TextDecoder(order).decode(content), 'utf8') }
}

function fromUtf32(content: Buffer, bigEndian: boolean): Buffer {
  const units = Math.floor(content.length / 4)
  const narrow = Buffer.alloc(units)
  for (let i = 0; i < units; i++) {
    const point = bigEndian ? content.readUInt32BE(i * 4) : content.readUInt32LE(i * 4)
    narrow[i] = point < 128 ? point : 63
  }
  return narrow
}
