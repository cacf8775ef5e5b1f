import { kindOf, runsOf, wrappedIn } from '../bytes/byte-runs.ts'
import { MIN_HIDDEN } from '../bytes/is-text.ts'
import { ascii85In, base85In, fromBase32, gitPatchesIn, uuencodedIn } from './base85-uuencode.ts'
import { dumpsIn, listsIn } from './byte-lists.ts'

/** A stretch of text that was hidden in another. */
export interface Decoded {
  readonly how: string
  readonly content: Buffer
  /** Where it began, in bytes of what it was hidden in. */
  readonly at: number
}

/** Is what was decoded worth a look? */
export interface Worth {
  /** By how it begins. */
  readonly start: (start: Buffer) => boolean
  /** By anything in it. */
  readonly whole: (content: Buffer) => boolean
}

const BASE64 = kindOf(/[A-Za-z0-9+/_-]/)
const BASE32 = kindOf(/[A-Z2-7]/)
const HEX = kindOf(/[0-9a-fA-F]/)
const LEAST_BASE64 = 20
/** What follows a block, a word or a mark of its end, is no longer than a line. */
const LINE = 76
/** The least that is decoded to its end when its start says nothing, in letters. */
const WHOLE = 28
const SKIPS = [0, 1, 2, 3]
/** The lines that programs wrap encodings into have at least so many letters, */
const WIDE = 32
/** and those that people wrap, so that they are not taken for the words before them. */
const NARROW = 16

/** What is in base64, hex, and other ways to write bytes as text, where it decodes to something worth a look. */
export function armoured(content: Buffer, worth: Worth): Decoded[] {
  const text = content.toString('latin1')
  const found: Decoded[] = []
  const keep = (how: string, decoded: Buffer, at: number) => {
    if (decoded.length >= MIN_HIDDEN) found.push({ how, content: decoded, at })
  }
  const lined = withNewlines(content)
  const blocks = [wrappedIn(lined, BASE64, WIDE), wrappedIn(lined, BASE64, NARROW, WIDE - 1)]
  for (const { at, joined } of blocks.flatMap(each => [...each])) {
    const odd = joined.search(/[^0-9a-fA-F]/)
    if (odd < 0) keepHex(joined, at)
    else {
      if (odd >= joined.length - LINE) keepHex(joined.slice(0, odd), at)
      if (!/[^A-Z2-7]/.test(joined)) keepBase32(joined, at)
      keepBase64(joined, at)
    }
  }
  for (const { from, to } of runsOf(content, BASE64, LEAST_BASE64)) keepBase64(text.slice(from, to), from)
  for (const { from, to } of runsOf(content, HEX, 28)) keepHex(text.slice(from, to), from)
  for (const { from, to } of runsOf(content, BASE32, 32)) keepBase32(text.slice(from, to), from)
  const rare = [
    listsIn(content, MIN_HIDDEN),
    dumpsIn(text),
    uuencodedIn(text),
    gitPatchesIn(content, text),
    ascii85In(text),
    base85In(content, worth.whole),
  ]
  for (const some of rare) for (const decoded of some) if (worth.whole(decoded.content)) found.push(decoded)
  return found

  function keepBase32(token: string, at: number) {
    if (worth.start(fromBase32(token.slice(0, 160)))) keep('base32', fromBase32(token), at)
  }
  function keepHex(token: string, at: number) {
    const skip = aligned(token, SKIPS.slice(0, 2), 'hex')
    if (skip !== undefined) keep('hex', Buffer.from(token.slice(skip), 'hex'), at)
  }
  // What stands before the encoded part may be of its letters too, so each alignment is tried; and so may another
  // encoded part, with a letter of base64 between them: each can be read in one of the alignments.
  function keepBase64(token: string, at: number) {
    if (keepAlignments(token, at) || !/[-_]/.test(token)) return
    // What is too short for that is looked for between the two letters in which the alphabets of base64 differ.
    for (const part of token.split(/[-_]+/))
      if (part.length >= LEAST_BASE64 && keepAlignments(part, at)) return
  }
  function keepAlignments(token: string, at: number): boolean {
    const first = aligned(token, SKIPS, 'base64')
    if (first === undefined) return false
    const decoded = (skip: number) => Buffer.from(token.slice(skip), 'base64')
    keep('base64', decoded(first), at)
    if (token.length >= WHOLE && /[+/_-]/.test(token))
      for (const skip of SKIPS)
        if (skip !== first && worth.whole(decoded(skip))) keep('base64', decoded(skip), at)
    return true
  }
  /** How many letters to skip so that the rest decodes to something worth a look. */
  function aligned(token: string, skips: readonly number[], encoding: 'base64' | 'hex'): number | undefined {
    return (
      skips.find(skip => worth.start(Buffer.from(token.slice(skip, skip + 128), encoding))) ??
      (token.length < WHOLE
        ? undefined
        : skips.find(skip => worth.whole(Buffer.from(token.slice(skip), encoding))))
    )
  }
}

const [NEWLINE, RETURN] = [10, 13]

/** With lines that end in a carriage return alone ended as others are. */
function withNewlines(content: Buffer): Buffer {
  let plain = content
  for (let at = content.indexOf(RETURN); at >= 0; at = content.indexOf(RETURN, at + 1)) {
    if (content[at + 1] === NEWLINE) continue
    if (plain === content) plain = Buffer.from(content)
    plain[at] = NEWLINE
  }
  return plain
}
