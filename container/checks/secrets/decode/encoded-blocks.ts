import { byteClass, lineEndRuns, type Run, runsOf, wrappedBlocks } from '../bytes/byte-runs.ts'
import { MIN_DECODED_BYTES } from '../bytes/is-text.ts'
import { BASE64_BYTE, type Survey, surveyOf } from '../bytes/survey.ts'
import { ascii85Blocks, base85Runs, gitBinaryPatches, uuencodedBlocks } from './base85-uuencode.ts'
import { decodeByteLists } from './byte-lists.ts'
import type { DecodedBlock, WorthDecoding } from './decoded-block.ts'
import { decodeHexDumps } from './hex-dumps.ts'
import { base64Start, hexStart, START_CHARS } from './token-bytes.ts'

const BASE32 = byteClass(/[A-Z2-7]/)
const HEX = byteClass(/[0-9a-fA-F]/)
/** The shortest run of each alphabet that is decoded, in characters. */
const [MIN_BASE64, MIN_HEX, MIN_BASE32] = [20, 28, 32]
/** The longest text that is taken for a trailer of a hex block, in characters: one line. */
const MAX_TRAILER = 76
/** The shortest run that is decoded to its end when its first bytes say nothing, in characters. */
const MIN_FULL_DECODE = 28
const ALIGNMENTS = [0, 1, 2, 3]
/** The longest word that is remembered as worthless, in characters, and the most words. */
const [MAX_WORD, MAX_WORDS] = [100, 50_000]
/** Programs wrap an encoding into lines of at least this many characters. */
const MIN_PROGRAM_LINE = 32
/** People wrap an encoding into lines of at least this many characters; a shorter line is a word. */
const MIN_HAND_LINE = 16
const LINE_LENGTHS = [
  [MIN_PROGRAM_LINE, Number.POSITIVE_INFINITY],
  [MIN_HAND_LINE, MIN_PROGRAM_LINE - 1],
] as const

/** Returns all parts of `content` in base64, hex, base32 or a rarer notation that decode to bytes worth a scan. */
export function decodeBlocks(
  content: Buffer,
  worth: WorthDecoding,
  { present, longestBase64 }: Survey = surveyOf(content),
): DecodedBlock[] {
  const text = content.toString('latin1')
  const tokens = new TokenDecoder(content, text, worth)
  const runs = longestBase64 >= MIN_HAND_LINE ? [...runsOf(content, BASE64_BYTE, MIN_HAND_LINE)] : []
  const lined = runs.length > 0 && present[CARRIAGE_RETURN] === 1 ? withNewlines(content) : content
  tokens.addAll(wrappedTokens(lined, runs, worth))
  for (const run of atLeast(runs, MIN_BASE64)) tokens.addBase64(run, run.from)
  for (const part of atLeast(runs, MIN_HEX))
    for (const run of runsOf(content, HEX, MIN_HEX, part)) tokens.addHex(run, run.from)
  for (const part of atLeast(runs, MIN_BASE32))
    for (const run of runsOf(content, BASE32, MIN_BASE32, part)) tokens.addBase32(run, run.from)
  const { found } = tokens
  const rarerNotations = [
    decodeByteLists(content, MIN_DECODED_BYTES),
    decodeHexDumps(content, text),
    uuencodedBlocks(text),
    gitBinaryPatches(content, text),
    ascii85Blocks(text),
    base85Runs(content, worth.content),
  ]
  for (const blocks of rarerNotations)
    for (const block of blocks) if (worth.content(block.content)) found.push(block)
  return found
}

const atLeast = (runs: readonly Run[], min: number): readonly Run[] =>
  runs.filter(({ from, to }) => to - from >= min)

/** Yields what blocks of several lines decode to, first those of programs, then those of people. */
function* wrappedTokens(
  content: Buffer,
  runs: readonly Run[],
  worth: WorthDecoding,
): Generator<DecodedBlock> {
  const firsts = lineEndRuns(content, runs)
  for (const [min, max] of LINE_LENGTHS)
    for (const { offset, text } of wrappedBlocks(content, BASE64_BYTE, firsts, min, max)) {
      const tokens = new TokenDecoder(Buffer.from(text, 'latin1'), text, worth)
      tokens.addWrapped(offset)
      yield* tokens.found
    }
}

/** Decodes runs of base64, hex and base32 of a text, and keeps the results that are worth a scan. */
class TokenDecoder {
  readonly found: DecodedBlock[] = []
  readonly #content: Buffer
  readonly #text: string
  readonly #worth: WorthDecoding

  constructor(content: Buffer, text: string, worth: WorthDecoding) {
    this.#content = content
    this.#text = text
    this.#worth = worth
  }

  addAll(blocks: Iterable<DecodedBlock>): void {
    for (const block of blocks) this.found.push(block)
  }

  /** Adds all of the text, which is a wrapped block, in the smallest alphabet that has all of its characters. */
  addWrapped(offset: number): void {
    const { length } = this.#content
    const hexLength = this.#lengthOf(HEX)
    if (hexLength === length) return this.addHex({ from: 0, to: length }, offset)
    if (hexLength >= length - MAX_TRAILER) this.addHex({ from: 0, to: hexLength }, offset)
    if (this.#lengthOf(BASE32) === length) this.addBase32({ from: 0, to: length }, offset)
    this.addBase64({ from: 0, to: length }, offset)
  }

  /** Returns the length of the run of a class that the text begins with. */
  #lengthOf(bytes: Uint8Array): number {
    let length = 0
    while (length < this.#content.length && bytes[this.#content[length] as number] === 1) length++
    return length
  }

  addBase32({ from, to }: Run, offset: number): void {
    const token = this.#text.slice(from, to)
    if (this.#worth.prefix(decodeBase32(token.slice(0, 160))))
      this.#keep('base32', decodeBase32(token), offset)
  }

  addHex(run: Run, offset: number): void {
    const skip = this.#alignment(run, ALIGNMENTS.slice(0, 2), 'hex')
    if (skip !== undefined) this.#keep('hex', this.#decode(run, skip, 'hex'), offset)
  }

  /** Tries every alignment: characters before the encoded part may be of the alphabet too, as may a second token. */
  addBase64(run: Run, offset: number): void {
    const { worthless } = this.#worth
    const token = this.#text.slice(run.from, run.to)
    if (worthless.has(token) || this.#addAlignments(run, offset)) return
    // "-" and "_" are of the URL alphabet only: between standard tokens they separate.
    if (/[-_]/.test(token)) {
      let from = run.from
      for (const part of token.split(/[-_]/)) {
        const to = from + part.length
        if (part.length >= MIN_BASE64 && this.#addAlignments({ from, to }, offset)) return
        from = to + 1
      }
    }
    if (token.length > MAX_WORD) return
    if (worthless.size >= MAX_WORDS) worthless.clear()
    worthless.add(token)
  }

  #addAlignments(run: Run, offset: number): boolean {
    const first = this.#alignment(run, ALIGNMENTS, 'base64')
    if (first === undefined) return false
    const decode = (skip: number) => this.#decode(run, skip, 'base64')
    this.#keep('base64', decode(first), offset)
    if (run.to - run.from >= MIN_FULL_DECODE && /[+/_-]/.test(this.#text.slice(run.from, run.to)))
      for (const skip of ALIGNMENTS)
        if (skip !== first && this.#worth.content(decode(skip))) this.#keep('base64', decode(skip), offset)
    return true
  }

  /** Returns how many characters to skip so that the rest decodes to bytes worth a scan; undefined: none helps. */
  #alignment(run: Run, skips: readonly number[], encoding: 'base64' | 'hex'): number | undefined {
    const decodeStart = encoding === 'hex' ? hexStart : base64Start
    const length = run.to - run.from
    const startAt = (skip: number) => decodeStart(this.#content, run.from + skip, run.to)
    for (const skip of skips) if (this.#worth.prefix(startAt(skip))) return skip
    if (length < MIN_FULL_DECODE) return undefined
    for (const skip of skips) {
      const isShort = length - skip <= START_CHARS
      if (this.#worth.content(isShort ? startAt(skip) : this.#decode(run, skip, encoding))) return skip
    }
    return undefined
  }

  #decode({ from, to }: Run, skip: number, encoding: 'base64' | 'hex'): Buffer {
    return Buffer.from(this.#text.slice(from + skip, to), encoding)
  }

  #keep(encoding: string, content: Buffer, offset: number): void {
    if (content.length >= MIN_DECODED_BYTES) this.found.push({ encoding, content, offset })
  }
}

const BASE32_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Decodes base32 (RFC 4648, section 6). */
function decodeBase32(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let buffer = 0
  for (const char of text) {
    buffer = ((buffer << 5) | BASE32_ALPHABET.indexOf(char)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((buffer >> bits) & 255)
  }
  return Buffer.from(bytes)
}

const [NEWLINE, CARRIAGE_RETURN] = [10, 13]

/** Replaces carriage returns without a newline by newlines. */
function withNewlines(content: Buffer): Buffer {
  let plain = content
  for (
    let offset = content.indexOf(CARRIAGE_RETURN);
    offset >= 0;
    offset = content.indexOf(CARRIAGE_RETURN, offset + 1)
  ) {
    if (content[offset + 1] === NEWLINE) continue
    if (plain === content) plain = Buffer.from(content)
    plain[offset] = NEWLINE
  }
  return plain
}
