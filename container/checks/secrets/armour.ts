import { ascii85In, base85In, fromBase32, uuencodedIn } from './rare-armour.ts'
import { kindOf, runsOf, wrappedIn } from './runs.ts'
import { dumpsIn, listsIn } from './spelled.ts'
import { MIN_HIDDEN } from './text.ts'

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
/** The least that is decoded to its end when its start says nothing, in letters. */
const WHOLE = 28
const SKIPS = [0, 1, 2, 3]

/** What is in base64, hex, and other ways to write bytes as text, where it decodes to something worth a look. */
export function armoured(content: Buffer, worth: Worth): Decoded[] {
  const text = content.toString('latin1')
  const found: Decoded[] = []
  const keep = (how: string, decoded: Buffer, at: number) => {
    if (decoded.length >= MIN_HIDDEN) found.push({ how, content: decoded, at })
  }
  for (const { at, joined } of wrappedIn(content, BASE64, 32)) {
    if (!/[^0-9a-fA-F]/.test(joined)) keepHex(joined, at)
    else {
      if (!/[^A-Z2-7]/.test(joined)) keepBase32(joined, at)
      keepBase64(joined, at)
    }
  }
  for (const { from, to } of runsOf(content, BASE64, 20)) keepBase64(text.slice(from, to), from)
  for (const { from, to } of runsOf(content, HEX, 28)) keepHex(text.slice(from, to), from)
  for (const { from, to } of runsOf(content, BASE32, 32)) keepBase32(text.slice(from, to), from)
  const rare = [
    listsIn(content, MIN_HIDDEN),
    dumpsIn(text),
    uuencodedIn(text),
    ascii85In(text),
    base85In(content, worth.whole),
  ]
  for (const some of rare) for (const decoded of some) if (worth.whole(decoded.content)) found.push(decoded)
  return found

  function keepBase32(token: string, at: number) {
    if (worth.start(fromBase32(token.slice(0, 160)))) keep('base32', fromBase32(token), at)
  }
  function keepHex(token: string, at: number) {
    const skip = aligned(token, 2, 'hex')
    if (skip !== undefined) keep('hex', Buffer.from(token.slice(skip), 'hex'), at)
  }
  // What stands before the encoded part may be of its letters too, so each alignment is tried, and each part between
  // the two letters in which the alphabets of base64 differ.
  function keepBase64(token: string, at: number) {
    const parts = /[-_]/.test(token)
      ? [token, ...token.split(/[-_]+/).filter(part => part.length >= 20)]
      : [token]
    for (const part of parts) {
      const skip = aligned(part, 4, 'base64')
      if (skip === undefined) continue
      keep('base64', Buffer.from(part.slice(skip), 'base64'), at)
      return
    }
  }
  /** How many letters to skip so that the rest decodes to something worth a look. */
  function aligned(token: string, ways: number, encoding: 'base64' | 'hex'): number | undefined {
    const skips = SKIPS.slice(0, ways)
    return (
      skips.find(skip => worth.start(Buffer.from(token.slice(skip, skip + 128), encoding))) ??
      (token.length < WHOLE
        ? undefined
        : skips.find(skip => worth.whole(Buffer.from(token.slice(skip), encoding))))
    )
  }
}
