import { setImmediate as breathe } from 'node:timers/promises'
import { OverLimit } from '../limits.ts'
import { armoured, isText, unescaped, wideText } from './decode.ts'
import { kindOf, runsOf } from './runs.ts'
import { collect, inMemory, SEGMENT, type Source } from './source.ts'
import { type Budget, isPacked, packedIn, unpack } from './unpack.ts'

/** Which line of the file a line of a view stands for: one after the other from `first`, always the same, or listed. */
export type LineMap =
  | { readonly kind: 'from'; readonly first: number }
  | { readonly kind: 'at'; readonly line: number }
  | { readonly kind: 'list'; readonly lines: readonly number[] }

/** One way to read a file: as it is, or decoded. */
export interface View {
  readonly content: Buffer
  readonly lines: LineMap
  /** What was undone to get here, outermost first; empty: nothing. */
  readonly how: readonly string[]
  /** The path inside archives, outermost first. */
  readonly inner: readonly string[]
}

export interface ViewOptions {
  readonly path: string
  readonly folder: string
  readonly budget: Budget
  readonly signal: AbortSignal
}

/** A segment begins again this much before the last one ended, so that what lies across is whole in one of them. */
const OVERLAP = 64 << 10

interface Trail {
  readonly depth: number
  readonly how: readonly string[]
  readonly inner: readonly string[]
  /** Set when every line stands for this one. */
  readonly line?: number
}

/** Every view of `source`: itself, then whatever is encoded, compressed or archived in it, to the limits. */
export async function* viewsOf(source: Source, options: ViewOptions): AsyncGenerator<View> {
  yield* look(source, { depth: 0, how: [], inner: [] }, options)
}

async function* look(source: Source, trail: Trail, options: ViewOptions): AsyncGenerator<View> {
  const { signal } = options
  let line = 1
  const opened = new Set<number>()
  for (let start = 0; start < source.size; start += SEGMENT - OVERLAP) {
    signal.throwIfAborted()
    const segment = await source.read(start, Math.min(SEGMENT, source.size - start))
    const lineAt = lineCounter(segment, line)
    yield isText(segment)
      ? { ...of(trail), content: segment, lines: at(trail, line) }
      : printableRuns(segment, trail, lineAt)
    yield* hidden(segment, trail, lineAt, options)
    for (const packed of packedIn(segment, start === 0)) {
      const where = start + packed.at
      if (opened.has(where)) continue
      opened.add(where)
      options.budget.open(trail.depth + 1, options.path)
      const content = await collect(
        unpack(source, { ...packed, at: where }, options.budget, options.path, signal),
        options.folder,
      )
      try {
        if (content.size === 0) continue
        const inner = packed.name ? [...trail.inner, packed.name] : trail.inner
        yield* look(
          content,
          { depth: trail.depth + 1, how: [...trail.how, packed.name ? 'zip' : packed.kind], inner },
          options,
        )
      } finally {
        await content.dispose()
      }
    }
    if (start + segment.length >= source.size) break
    line = lineAt(segment.length - OVERLAP)
    await breathe()
  }
}

const at = (trail: Trail, first: number): LineMap =>
  trail.line === undefined ? { kind: 'from', first } : { kind: 'at', line: trail.line }

const of = (trail: Trail): Pick<View, 'how' | 'inner'> => ({ how: trail.how, inner: trail.inner })

/** No secret that gitleaks knows is shorter, and random bytes seldom are printable for as long. */
const RUN_BYTES = 6
const READABLE = kindOf(/[\t\n\r\x20-\x7e]/)

/**
 * What can be read in binary content, as strings(1) shows it: gitleaks' patterns match printable text only, and
 * spend most of their time on bytes that are none.
 */
function printableRuns(segment: Buffer, trail: Trail, lineAt: (offset: number) => number): View {
  const runs: string[] = []
  const lines: number[] = []
  for (const { from, to } of runsOf(segment, READABLE, RUN_BYTES)) {
    const first = trail.line ?? lineAt(from)
    const run = segment.toString('latin1', from, to)
    runs.push(run)
    for (let row = run.split('\n').length, i = 0; i < row; i++) lines.push(trail.line ?? first + i)
  }
  return {
    ...of(trail),
    content: Buffer.from(`${runs.join('\n')}\n`, 'latin1'),
    lines: { kind: 'list', lines },
  }
}

/** The line of an offset in `segment`, by counting on from the last one asked for. */
function lineCounter(segment: Buffer, first: number): (offset: number) => number {
  let from = 0
  let line = first
  return offset => {
    if (offset < from) {
      from = 0
      line = first
    }
    for (let i = segment.indexOf(10, from); i >= 0 && i < offset; i = segment.indexOf(10, i + 1)) line++
    from = Math.max(from, offset)
    return line
  }
}

const worthwhile = (start: Buffer) => isPacked(start) || isText(start) || isText(narrow(start))

/** The start of wide text without its zeros; random bytes have none to lose and stay what they are. */
function narrow(start: Buffer): Buffer {
  const plain = start.filter(byte => byte !== 0)
  return plain.length * 3 < start.length * 2 ? Buffer.from(plain) : start
}

async function* hidden(
  segment: Buffer,
  trail: Trail,
  lineAt: (offset: number) => number,
  options: ViewOptions,
): AsyncGenerator<View> {
  const deeper = (how: string): Trail => {
    if (trail.depth >= 24)
      throw new OverLimit(`${options.path} is encoded many times over`, 'push the file itself')
    return { depth: trail.depth + 1, how: [...trail.how, how], inner: trail.inner }
  }
  const wide = wideText(segment)
  if ('whole' in wide) {
    // It has the same lines, so it is read as if it were the file.
    const next = { ...deeper('UTF-16'), ...(trail.line === undefined ? {} : { line: trail.line }) }
    yield { content: wide.whole, lines: at(next, lineAt(0)), how: next.how, inner: next.inner }
    yield* hidden(wide.whole, next, lineCounter(wide.whole, lineAt(0)), options)
    return
  }
  const line = (offset: number) => trail.line ?? lineAt(offset)
  for (const run of wide.runs)
    yield* look(inMemory(run.content), { ...deeper(run.how), line: line(run.at) }, options)
  const plain = unescaped(segment)
  if (plain) {
    const first = lineAt(0)
    const lines = plain.lines.map(number => trail.line ?? first + number)
    const next = deeper('escapes')
    yield { content: plain.content, lines: { kind: 'list', lines }, how: next.how, inner: next.inner }
    const row = lineCounter(plain.content, 0)
    yield* nested(plain.content, next, offset => lines[row(offset)] ?? 0, options)
  }
  yield* nested(segment, trail, line, options)
}

/** What is in base64 or hex in `text`, and in that, and so on. */
async function* nested(
  text: Buffer,
  trail: Trail,
  line: (offset: number) => number,
  options: ViewOptions,
): AsyncGenerator<View> {
  let known = 0
  for (const decoded of armoured(text, worthwhile).sort((a, b) => a.at - b.at)) {
    if (++known % 256 === 0) await breathe()
    options.signal.throwIfAborted()
    if (trail.depth >= 24)
      throw new OverLimit(`${options.path} is encoded many times over`, 'push the file itself')
    options.budget.spend(decoded.content.length, options.path)
    yield* look(
      inMemory(decoded.content),
      {
        depth: trail.depth + 1,
        how: [...trail.how, decoded.how],
        inner: trail.inner,
        line: line(decoded.at),
      },
      options,
    )
  }
}
