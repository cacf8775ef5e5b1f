import { byteClass, runsOf, wrappedBlocks } from '../bytes/byte-runs.ts'
import { MIN_DECODED_BYTES } from '../bytes/is-text.ts'
import {
  ascii85Blocks,
  base85Runs,
  decodeBase32,
  gitBinaryPatches,
  uuencodedBlocks,
} from './base85-uuencode.ts'
import { decodeByteLists, decodeHexDumps } from './byte-lists.ts'

/** A stretch of text that was hidden in another. */
export interface DecodedBlock {
  readonly encoding: string
  readonly content: Buffer
  /** Where it began, in bytes of what it was hidden in. */
  readonly offset: number
}

/** Is what was decoded worth a look? */
export interface WorthDecoding {
  /** By how it begins. */
  readonly prefix: (prefix: Buffer) => boolean
  /** By anything in it. */
  readonly content: (content: Buffer) => boolean
}

const BASE64 = byteClass(/[A-Za-z0-9+/_-]/)
const BASE32 = byteClass(/[A-Z2-7]/)
const HEX = byteClass(/[0-9a-fA-F]/)
const MIN_BASE64 = 20
/** What follows a block, a word or a mark of its end, is no longer than a line. */
const MAX_TRAILER = 76
/** The least that is decoded to its end when its start says nothing, in letters. */
const MIN_FULL_DECODE = 28
const ALIGNMENTS = [0, 1, 2, 3]
/** The lines that programs wrap encodings into have at least so many letters, */
const MIN_PROGRAM_LINE = 32
/** and those that people wrap, so that they are not taken for the words before them. */
const MIN_HAND_LINE = 16

/** What is in base64, hex, and other ways to write bytes as text, where it decodes to something worth a look. */
export function decodeBlocks(content: Buffer, worth: WorthDecoding): DecodedBlock[] {
  const text = content.toString('latin1')
  const found: DecodedBlock[] = []
  const keep = (encoding: string, decoded: Buffer, offset: number) => {
    if (decoded.length >= MIN_DECODED_BYTES) found.push({ encoding, content: decoded, offset })
  }
  const lined = withNewlines(content)
  const blocks = [
    wrappedBlocks(lined, BASE64, MIN_PROGRAM_LINE),
    wrappedBlocks(lined, BASE64, MIN_HAND_LINE, MIN_PROGRAM_LINE - 1),
  ]
  for (const { offset, text: joined } of blocks.flatMap(each => [...each])) {
    const odd = joined.search(/[^0-9a-fA-F]/)
    if (odd < 0) keepHex(joined, offset)
    else {
      if (odd >= joined.length - MAX_TRAILER) keepHex(joined.slice(0, odd), offset)
      if (!/[^A-Z2-7]/.test(joined)) keepBase32(joined, offset)
      keepBase64(joined, offset)
    }
  }
  for (const { from, to } of runsOf(content, BASE64, MIN_BASE64)) keepBase64(text.slice(from, to), from)
  for (const { from, to } of runsOf(content, HEX, 28)) keepHex(text.slice(from, to), from)
  for (const { from, to } of runsOf(content, BASE32, 32)) keepBase32(text.slice(from, to), from)
  const rare = [
    decodeByteLists(content, MIN_DECODED_BYTES),
    decodeHexDumps(text),
    uuencodedBlocks(text),
    gitBinaryPatches(content, text),
    ascii85Blocks(text),
    base85Runs(content, worth.content),
  ]
  for (const some of rare) for (const decoded of some) if (worth.content(decoded.content)) found.push(decoded)
  return found

  function keepBase32(token: string, offset: number) {
    if (worth.prefix(decodeBase32(token.slice(0, 160)))) keep('base32', decodeBase32(token), offset)
  }
  function keepHex(token: string, offset: number) {
    const skip = aligned(token, ALIGNMENTS.slice(0, 2), 'hex')
    if (skip !== undefined) keep('hex', Buffer.from(token.slice(skip), 'hex'), offset)
  }
  // What stands before the encoded part may be of its letters too, so each alignment is tried; and so may another
  // encoded part, with a letter of base64 between them: each can be read in one of the alignments.
  function keepBase64(token: string, offset: number) {
    if (keepAlignments(token, offset) || !/[-_]/.test(token)) return
    // What is too short for that is looked for between the two letters in which the alphabets of base64 differ.
    for (const part of token.split(/[-_]+/))
      if (part.length >= MIN_BASE64 && keepAlignments(part, offset)) return
  }
  function keepAlignments(token: string, offset: number): boolean {
    const first = aligned(token, ALIGNMENTS, 'base64')
    if (first === undefined) return false
    const decoded = (skip: number) => Buffer.from(token.slice(skip), 'base64')
    keep('base64', decoded(first), offset)
    if (token.length >= MIN_FULL_DECODE && /[+/_-]/.test(token))
      for (const skip of ALIGNMENTS)
        if (skip !== first && worth.content(decoded(skip))) keep('base64', decoded(skip), offset)
    return true
  }
  /** How many letters to skip so that the rest decodes to something worth a look. */
  function aligned(token: string, skips: readonly number[], encoding: 'base64' | 'hex'): number | undefined {
    return (
      skips.find(skip => worth.prefix(Buffer.from(token.slice(skip, skip + 128), encoding))) ??
      (token.length < MIN_FULL_DECODE
        ? undefined
        : skips.find(skip => worth.content(Buffer.from(token.slice(skip), encoding))))
    )
  }
}

const [NEWLINE, CARRIAGE_RETURN] = [10, 13]

/** With lines that end in a carriage return alone ended as others are. */
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
