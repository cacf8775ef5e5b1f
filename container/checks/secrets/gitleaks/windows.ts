import { randomBytes } from 'node:crypto'

/** Two windows of one view share this much, and then the rest of the line and of the key block that it begins in. */
const OVERLAP = 4_000
/** Windows share no more; of a key block that is longer, its ends are put together. */
const MAX_OVERLAP = 16_000
const KEY_BLOCK = '-----BEGIN'
/** So much of a long key stands for all of it, in bytes: what tells it from others, and more than the rule asks for. */
const KEY_HEAD_BYTES = 1_500
/** The end of a long key is looked for so far, in bytes. */
const MAX_KEY_BYTES = 1 << 20

/** Between the ends of a long key. Nobody who writes a text knows it. */
const KEY_JOINT = `git-gate-joint-${randomBytes(16).toString('hex')}`

/** A part of a text that is no larger than gitleaks may be given at once. */
export interface Window {
  readonly content: Buffer
  /** The line of the text that it begins in, from 0. */
  readonly line: number
  /** A private key begins in it and does not end. */
  readonly hasOpenKey: boolean
}

/** Overlapping windows that begin at a line, or else behind a character that is in no token, where there is one. */
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

/** What is a text's own of a match in it. */
export const stripJoint = (match: string) => match.split(`\n${KEY_JOINT}`)[0] ?? ''

export function newlines(content: Buffer): number {
  let lines = 0
  for (let i = content.indexOf(10); i >= 0; i = content.indexOf(10, i + 1)) lines++
  return lines
}

/** The private key that gitleaks' rule would look for the end of behind this text. */
function findOpenKey(window: Buffer): { from: number; label: string } | undefined {
  if (!window.includes('-----')) return undefined
  const text = window.toString('latin1')
  // By the words that few lines have: a text may be full of beginnings of such lines.
  const headerEnd = /PRIVATE KEY(?: BLOCK)?-----/gi
  const end = /KEY(?: BLOCK)?-----/gi
  let least = 0
  for (let match = headerEnd.exec(text); match; match = headerEnd.exec(text)) {
    const first = Math.max(least, match.index - KEY_BLOCK.length - 100)
    const begin = /-----BEGIN([ A-Z0-9_-]{0,100})$/i.exec(text.slice(first, match.index))
    if (!begin) continue
    end.lastIndex = headerEnd.lastIndex + 64
    if (!end.test(text)) return { from: first + begin.index, label: `${begin[1]}${match[0]}` }
    least = end.lastIndex
    headerEnd.lastIndex = least
  }
  return undefined
}

/** The ends of a key that begins `block` and goes on past `shown` bytes of it, as one short text. */
function abbreviateKey(block: Buffer, shownBytes: number, label: string): Buffer | undefined {
  // A program that names both ends of a key holds none.
  if (!isMostlyBase64(block.subarray(Math.max(0, shownBytes - KEY_HEAD_BYTES), shownBytes))) return undefined
  const end = `-----END${label}`
  // The one of the next key is not this one's, and whoever looks for that looks on from there.
  const behind = block.subarray(Math.max(0, shownBytes - end.length), shownBytes + MAX_KEY_BYTES)
  const at = behind.indexOf('-----END')
  if (at < 0 || behind.toString('latin1', at, at + end.length).toLowerCase() !== end.toLowerCase())
    return undefined
  return Buffer.concat([block.subarray(0, KEY_HEAD_BYTES), Buffer.from(`\n${KEY_JOINT}\n${end}\n`)])
}

/** Is it nearly all base64, in whatever lines and strings? */
function isMostlyBase64(sample: Buffer): boolean {
  const text = sample.toString('latin1').replace(/\s+/g, ' ')
  const long = text.match(/[A-Za-z0-9+/=]{30,}/g) ?? []
  return long.reduce((sum, run) => sum + run.length, 0) > 0.8 * text.length
}

/** Where the window after one that ends at `end` begins. */
function nextStart(content: Buffer, end: number): number {
  const first = end - MAX_OVERLAP
  const shared = content.subarray(first, end)
  const least = shared.length - OVERLAP
  const block = shared.lastIndexOf(KEY_BLOCK)
  const last = block < 0 ? least : Math.min(block, least)
  const newline = shared.lastIndexOf(10, last)
  if (newline >= 0) return first + newline + 1
  for (let i = last; i >= 0; i--) if (isBetweenTokens(shared[i])) return first + i + 1
  return first
}

const isBetweenTokens = (byte: number | undefined) =>
  byte === 32 || byte === 44 || byte === 59 || byte === 123 || byte === 0
