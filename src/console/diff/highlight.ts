import { highlightAsHtml, type Language } from './grammars.js'
import { languageOf } from './languages.ts'
import type { DiffLine, FileDiff } from './parse-diff.ts'

/** The kinds of text that have a colour. Numbers and other literals are strings here. */
export type TextKind = 'keyword' | 'string' | 'comment' | 'name'

/** A part of a line; without a kind, it has no colour. */
export interface Piece {
  readonly text: string
  readonly kind: TextKind | undefined
}

/** A page has colours up to this many characters of code, which bounds the Worker's processor time. */
const MAX_CHARACTERS = 30_000
/** A page has up to this many pieces with a colour, which keeps it under 150 kB. */
const MAX_PIECES = 2_400
/** A longer line has no colours: some grammars take time in the square of a line's length. */
const MAX_LINE = 160

/** Returns a function that splits the lines of a page's files into pieces; undefined: the file has no colours. */
export function createHighlighter(): (file: FileDiff) => Map<DiffLine, Piece[]> | undefined {
  let characters = MAX_CHARACTERS
  let pieces = MAX_PIECES
  return file => {
    const language = languageOf(file.path)
    const size = file.lines.reduce((sum, { text }) => sum + text.length, 0)
    if (!language || size > characters || pieces <= 0) return undefined
    characters -= size
    const lines = new Map(hunksOf(file).flatMap(hunk => highlightHunk(hunk, language)))
    const coloured = [...lines.values()].flat().filter(({ kind }) => kind !== undefined).length
    // A file with colours down to its middle only would mislead.
    if (coloured > pieces) return undefined
    pieces -= coloured
    return lines
  }
}

/** Returns the lines of each hunk, without its `@@` line. */
function hunksOf({ lines }: FileDiff): DiffLine[][] {
  const hunks: DiffLine[][] = []
  for (const line of lines)
    if (line.kind === 'hunk') hunks.push([])
    else if (line.number !== undefined) hunks.at(-1)?.push(line)
  return hunks
}

/** Highlights a hunk as the new file has it, and its removed lines as the old file had them. */
function highlightHunk(hunk: readonly DiffLine[], language: Language): [DiffLine, Piece[]][] {
  const removed = hunk.filter(({ kind }) => kind === 'removed')
  const oldLines = removed.length > 0 ? hunk.filter(({ kind }) => kind !== 'added') : []
  return [
    ...highlightLines(oldLines, language).filter(([{ kind }]) => kind === 'removed'),
    ...highlightLines(
      hunk.filter(({ kind }) => kind !== 'removed'),
      language,
    ),
  ]
}

function highlightLines(lines: readonly DiffLine[], language: Language): [DiffLine, Piece[]][] {
  if (lines.length === 0) return []
  const texts = lines.map(({ text }) => (text.length > MAX_LINE ? '' : text.slice(1)))
  const pieces = splitLines(highlightAsHtml(texts.join('\n'), language))
  return lines.flatMap((line, index): [DiffLine, Piece[]][] => {
    const linePieces = pieces[index] ?? []
    // Colours never change the text: a line whose pieces are not the line itself stays without.
    return linePieces.map(({ text }) => text).join('') === line.text.slice(1) ? [[line, linePieces]] : []
  })
}

const KINDS: Readonly<Record<string, TextKind | 'plain'>> = {
  keyword: 'keyword',
  meta: 'keyword',
  'selector-tag': 'keyword',
  string: 'string',
  regexp: 'string',
  number: 'string',
  literal: 'string',
  symbol: 'string',
  bullet: 'string',
  comment: 'comment',
  quote: 'comment',
  title: 'name',
  attr: 'name',
  attribute: 'name',
  name: 'name',
  section: 'name',
  type: 'name',
  built_in: 'name',
  property: 'name',
  'selector-class': 'name',
  'selector-id': 'name',
  // The code inside a template string.
  subst: 'plain',
}

/** An opening tag with its class, a closing tag, an entity, or text: all that highlight.js writes. */
const HTML_PART = /<span class="([^"]*)">|<\/span>|&(amp|lt|gt|quot|#x27);|[^<&]+/g
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#x27': "'" }

/** Splits highlight.js's HTML into text with kinds, by line. The page escapes the text again. */
function splitLines(html: string): Piece[][] {
  const lines: Piece[][] = [[]]
  const open: (TextKind | 'plain')[] = []
  for (const [part, names, entity] of html.matchAll(HTML_PART)) {
    if (names !== undefined) open.push(kindOf(names) ?? open.at(-1) ?? 'plain')
    else if (part === '</span>') open.pop()
    else
      for (const [index, text] of (entity ? (ENTITIES[entity] ?? '') : part).split('\n').entries()) {
        if (index > 0) lines.push([])
        append(lines.at(-1) ?? [], text, open.at(-1))
      }
  }
  return lines
}

/** Returns the kind of a scope, whose first class is like `hljs-keyword`. */
function kindOf(names: string): TextKind | 'plain' | undefined {
  const name = names.replace(/^hljs-/, '').split(' ')[0] ?? ''
  return Object.hasOwn(KINDS, name) ? KINDS[name] : undefined
}

/** Appends text to a line, to its last piece if that has the same kind. Space needs no colour. */
function append(line: Piece[], text: string, of: TextKind | 'plain' | undefined): void {
  if (text === '') return
  const kind = of === 'plain' || text.trim() === '' ? undefined : of
  const last = line.at(-1)
  if (last && last.kind === kind) line[line.length - 1] = { text: last.text + text, kind }
  else line.push({ text, kind })
}
