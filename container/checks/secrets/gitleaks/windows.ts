import { randomBytes } from 'node:crypto'

/** The overlap of two windows in bytes; it grows to the beginning of a line and of a private key. */
const OVERLAP = 4_000
/** The longest overlap in bytes. A longer key is abbreviated to its ends. */
const MAX_OVERLAP = 16_000
const KEY_BLOCK = '-----BEGIN'
/** The part of a long key that stands for all of it, in bytes: it is unique, and longer than the rule asks for. */
const KEY_HEAD_BYTES = 1_500
/** The longest key whose end is searched for, in bytes. */
const MAX_KEY_BYTES = 1 << 20

/** The joint between the ends of an abbreviated key. It is random, so no pushed text can contain it. */
const KEY_JOINT = `git-gate-joint-${randomBytes(16).toString('hex')}`

/** A part of a text that is small enough for gitleaks. */
export interface Window {
  readonly content: Buffer
  /** The row of the text that the window begins in, from 0. */
  readonly line: number
  /** True if a private key begins in the window and does not end there. */
  readonly hasOpenKey: boolean
}

/** Yields overlapping windows. Each begins at a line, or else after a character that is not of a token. */
export function* windows(content: Buffer, size: number): Generator<Window> {
  let start = 0
  let line = 0
  for (;;) {
    const end = Math.min(start + size, content.length)
    const window = content.subarray(start, end)
    const key = findOpenKey(window)
    yield { content: window, line, hasOpenKey: key !== undefined }
    if (end === content.length) return
    const next = nextStart(content, end)
    if (key !== undefined && start + key.from < next) {
      const abbreviated = abbreviateKey(
        content.subarray(start + key.from),
        window.length - key.from,
        key.label,
      )
      if (abbreviated)
        yield { content: abbreviated, line: line + newlines(window.subarray(0, key.from)), hasOpenKey: false }
    }
    line += newlines(content.subarray(start, next))
    start = next
  }
}

/** Returns the part of a match that the text itself holds. */
export const stripJoint = (match: string) => match.split(`\n${KEY_JOINT}`)[0] ?? ''

export function newlines(content: Buffer): number {
  let lines = 0
  for (let i = content.indexOf(10); i >= 0; i = content.indexOf(10, i + 1)) lines++
  return lines
}

/** Returns the private key that is still open at the end of the window, as gitleaks' rule would match it. */
function findOpenKey(window: Buffer): { from: number; label: string } | undefined {
  if (!window.includes('-----')) return undefined
  const text = window.toString('latin1')
  // Searches by words that few lines have: a text may be full of "-----BEGIN".
  const headerEnd = /PRIVATE KEY(?: BLOCK)?-----/gi
  const end = /KEY(?: BLOCK)?-----/gi
  let searchFrom = 0
  for (let match = headerEnd.exec(text); match; match = headerEnd.exec(text)) {
    const first = Math.max(searchFrom, match.index - KEY_BLOCK.length - 100)
    const begin = /-----BEGIN([ A-Z0-9_-]{0,100})$/i.exec(text.slice(first, match.index))
    if (!begin) continue
    end.lastIndex = headerEnd.lastIndex + 64
    if (!end.test(text)) return { from: first + begin.index, label: `${begin[1]}${match[0]}` }
    searchFrom = end.lastIndex
    headerEnd.lastIndex = searchFrom
  }
  return undefined
}

/** Returns the ends of a key that begins `block` and goes on past `shownBytes` bytes, as one short text. */
function abbreviateKey(block: Buffer, shownBytes: number, label: string): Buffer | undefined {
  // Source code that names the header and the footer of a key is not a key.
  if (!isMostlyBase64(block.subarray(Math.max(0, shownBytes - KEY_HEAD_BYTES), shownBytes))) return undefined
  const end = `-----END${label}`
  // An end further on is of the next key, which the search from there finds.
  const rest = block.subarray(Math.max(0, shownBytes - end.length), shownBytes + MAX_KEY_BYTES)
  const offset = rest.indexOf('-----END')
  if (offset < 0 || rest.toString('latin1', offset, offset + end.length).toLowerCase() !== end.toLowerCase())
    return undefined
  return Buffer.concat([block.subarray(0, KEY_HEAD_BYTES), Buffer.from(`\n${KEY_JOINT}\n${end}\n`)])
}

/** Returns whether the sample is nearly all base64, on lines and in strings. */
function isMostlyBase64(sample: Buffer): boolean {
  const text = sample.toString('latin1').replace(/\s+/g, ' ')
  const long = text.match(/[A-Za-z0-9+/=]{30,}/g) ?? []
  return long.reduce((sum, run) => sum + run.length, 0) > 0.8 * text.length
}

/** Returns where the window after the one that ends at `end` begins. */
function nextStart(content: Buffer, end: number): number {
  const first = end - MAX_OVERLAP
  const shared = content.subarray(first, end)
  const latest = shared.length - OVERLAP
  const block = shared.lastIndexOf(KEY_BLOCK)
  const last = block < 0 ? latest : Math.min(block, latest)
  const newline = shared.lastIndexOf(10, last)
  if (newline >= 0) return first + newline + 1
  for (let i = last; i >= 0; i--) if (isBetweenTokens(shared[i])) return first + i + 1
  return first
}

const isBetweenTokens = (byte: number | undefined) =>
  byte === 32 || byte === 44 || byte === 59 || byte === 123 || byte === 0
