import { byteClass, runsOf, wrappedBlocks } from '../bytes/byte-runs.ts'
import { MIN_DECODED_BYTES } from '../bytes/is-text.ts'
import { ascii85Blocks, base85Runs, gitBinaryPatches, uuencodedBlocks } from './base85-uuencode.ts'
import { decodeByteLists } from './byte-lists.ts'
import type { DecodedBlock, WorthDecoding } from './decoded-block.ts'
import { decodeHexDumps } from './hex-dumps.ts'

const BASE64 = byteClass(/[A-Za-z0-9+/_-]/)
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

/** Returns all parts of `content` in base64, hex, base32 or a rarer notation that decode to bytes worth a scan. */
export function decodeBlocks(content: Buffer, worth: WorthDecoding): DecodedBlock[] {
  const text = content.toString('latin1')
  const tokens = new TokenDecoder(worth)
  const lined = withNewlines(content)
  for (const { offset, text: block } of wrappedBlocks(lined, BASE64, MIN_PROGRAM_LINE))
    tokens.addWrapped(block, offset)
  for (const { offset, text: block } of wrappedBlocks(lined, BASE64, MIN_HAND_LINE, MIN_PROGRAM_LINE - 1))
    tokens.addWrapped(block, offset)
  for (const { from, to } of runsOf(content, BASE64, MIN_BASE64)) tokens.addBase64(text.slice(from, to), from)
  for (const { from, to } of runsOf(content, HEX, MIN_HEX)) tokens.addHex(text.slice(from, to), from)
  for (const { from, to } of runsOf(content, BASE32, MIN_BASE32)) tokens.addBase32(text.slice(from, to), from)
  const { found } = tokens
  const rarerNotations = [
    decodeByteLists(content, MIN_DECODED_BYTES),
    decodeHexDumps(text),
    uuencodedBlocks(text),
    gitBinaryPatches(content, text),
    ascii85Blocks(text),
    base85Runs(content, worth.content),
  ]
  for (const blocks of rarerNotations)
    for (const block of blocks) if (worth.content(block.content)) found.push(block)
  return found
}

/** Decodes runs of base64, hex and base32, and keeps the results that are worth a scan. */
class TokenDecoder {
  readonly found: DecodedBlock[] = []
  readonly #worth: WorthDecoding

  constructor(worth: WorthDecoding) {
    this.#worth = worth
  }

  /** Adds the joined lines of a wrapped block, in the smallest alphabet that has all of its characters. */
  addWrapped(block: string, offset: number): void {
    const hexLength = block.search(/[^0-9a-fA-F]/)
    if (hexLength < 0) return this.addHex(block, offset)
    if (hexLength >= block.length - MAX_TRAILER) this.addHex(block.slice(0, hexLength), offset)
    if (!/[^A-Z2-7]/.test(block)) this.addBase32(block, offset)
    this.addBase64(block, offset)
  }

  addBase32(token: string, offset: number): void {
    if (this.#worth.prefix(decodeBase32(token.slice(0, 160))))
      this.#keep('base32', decodeBase32(token), offset)
  }

  addHex(token: string, offset: number): void {
    const skip = this.#alignment(token, ALIGNMENTS.slice(0, 2), 'hex')
    if (skip !== undefined) this.#keep('hex', Buffer.from(token.slice(skip), 'hex'), offset)
  }

  /** Tries every alignment: characters before the encoded part may be of the alphabet too, as may a second token. */
  addBase64(token: string, offset: number): void {
    const { worthless } = this.#worth
    if (worthless.has(token) || this.#addAlignments(token, offset)) return
    // "-" and "_" are of the URL alphabet only: between standard tokens they separate.
    if (/[-_]/.test(token))
      for (const part of token.split(/[-_]+/))
        if (part.length >= MIN_BASE64 && this.#addAlignments(part, offset)) return
    if (token.length > MAX_WORD) return
    if (worthless.size >= MAX_WORDS) worthless.clear()
    worthless.add(token)
  }

  #addAlignments(token: string, offset: number): boolean {
    const first = this.#alignment(token, ALIGNMENTS, 'base64')
    if (first === undefined) return false
    const decode = (skip: number) => Buffer.from(token.slice(skip), 'base64')
    this.#keep('base64', decode(first), offset)
    if (token.length >= MIN_FULL_DECODE && /[+/_-]/.test(token))
      for (const skip of ALIGNMENTS)
        if (skip !== first && this.#worth.content(decode(skip))) this.#keep('base64', decode(skip), offset)
    return true
  }

  /** Returns how many characters to skip so that the rest decodes to bytes worth a scan; undefined: none helps. */
  #alignment(token: string, skips: readonly number[], encoding: 'base64' | 'hex'): number | undefined {
    const byPrefix = skips.find(skip =>
      this.#worth.prefix(Buffer.from(token.slice(skip, skip + 128), encoding)),
    )
    if (byPrefix !== undefined || token.length < MIN_FULL_DECODE) return byPrefix
    return skips.find(skip => this.#worth.content(Buffer.from(token.slice(skip), encoding)))
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
