import { randomBytes } from 'node:crypto'

/** Two windows of one view share this much, and then the rest of the line and of the key block that it begins in. */
const OVERLAP = 4_000
/** Windows share no more; of a key block that is longer, its ends are put together. */
const MOST_OVERLAP = 16_000
const KEY_BLOCK = '-----BEGIN'
/** So much of a long key stands for all of it, in bytes: what tells it from others, and more than the rule asks for. */
const KEPT_OF_KEY = 1_500
/** The end of a long key is looked for so far, in bytes. */
const LONGEST_KEY = 1 << 20

/** Between the ends of a long key. Nobody who writes a text knows it. */
const JOINT = `git-gate-joint-${randomBytes(16).toString('hex')}`

/** A part of a text that is no larger than gitleaks may be given at once. */
export interface Window {
  readonly content: Buffer
  /** The line of the text that it begins in, from 0. */
  readonly line: number
  /** A private key begins in it and does not end. */
  readonly isOpen: boolean
}

/** Overlapping windows that begin at a line, or else behind a character that is in no token, where there is one. */
export function* windows(content: Buffer, size: number): Generator<Window> {
  let start = 0
  let line = 0
  for (;;) {
    const end = Math.min(start + size, content.length)
    const window = content.subarray(start, end)
    const key = openKey(window)
    yield { content: window, line, isOpen: key !== undefined }
    if (end === content.length) return
    const next = beginning(content, end)
    if (key !== undefined && start + key.from < next) {
      const ends = endsOf(content.subarray(start + key.from), window.length - key.from, key.label)
      if (ends) yield { content: ends, line: line + newlines(window.subarray(0, key.from)), isOpen: false }
    }
    line += newlines(content.subarray(start, next))
    start = next
  }
}

/** What is a text's own of a match in it. */
export const ownWords = (match: string) => match.split(`\n${JOINT}`)[0] ?? ''

export function newlines(content: Buffer): number {
  let lines = 0
  for (let i = content.indexOf(10); i >= 0; i = content.indexOf(10, i + 1)) lines++
  return lines
}

/** The private key that gitleaks' rule would look for the end of behind this text. */
function openKey(window: Buffer): { from: number; label: string } | undefined {
  if (!window.includes('-----')) return undefined
  const text = window.toString('latin1')
  // By the words that few lines have: a text may be full of beginnings of such lines.
  const words = /PRIVATE KEY(?: BLOCK)?-----/gi
  const end = /KEY(?: BLOCK)?-----/gi
  let least = 0
  for (let found = words.exec(text); found; found = words.exec(text)) {
    const first = Math.max(least, found.index - KEY_BLOCK.length - 100)
    const begin = /-----BEGIN([ A-Z0-9_-]{0,100})$/i.exec(text.slice(first, found.index))
    if (!begin) continue
    end.lastIndex = words.lastIndex + 64
    if (!end.test(text)) return { from: first + begin.index, label: `${begin[1]}${found[0]}` }
    least = end.lastIndex
    words.lastIndex = least
  }
  return undefined
}

/** The ends of a key that begins `block` and goes on past `shown` bytes of it, as one short text. */
function endsOf(block: Buffer, shown: number, label: string): Buffer | undefined {
  // A program that names both ends of a key holds none.
  if (!isArmour(block.subarray(Math.max(0, shown - KEPT_OF_KEY), shown))) return undefined
  const end = `-----END${label}`
  // The one of the next key is not this one's, and whoever looks for that looks on from there.
  const behind = block.subarray(Math.max(0, shown - end.length), shown + LONGEST_KEY)
  const at = behind.indexOf('-----END')
  if (at < 0 || behind.toString('latin1', at, at + end.length).toLowerCase() !== end.toLowerCase())
    return undefined
  return Buffer.concat([block.subarray(0, KEPT_OF_KEY), Buffer.from(`\n${JOINT}\n${end}\n`)])
}

/** Is it nearly all base64, in whatever lines and strings? */
function isArmour(sample: Buffer): boolean {
  const text = sample.toString('latin1').replace(/\s+/g, ' ')
  const long = text.match(/[A-Za-z0-9+/=]{30,}/g) ?? []
  return long.reduce((sum, run) => sum + run.length, 0) > 0.8 * text.length
}

/** Where the window after one that ends at `end` begins. */
function beginning(content: Buffer, end: number): number {
  const first = end - MOST_OVERLAP
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
