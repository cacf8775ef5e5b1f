import type { DecodedLines } from '../escapes.ts'
import { lineCounter } from '../line-map.ts'
import { cellsOf, rowsOf } from './table-rows.ts'

const NAME =
  '(?:passw(?:or)?d|passphrase|secret|token|api[ _-]?key|access[ _-]?key|private[ _-]?key|credential)'
/** A cell of a header that names a secret. */
const SECRET_NAME = new RegExp(`^[\\w .-]{0,40}${NAME}[\\w .-]{0,20}$`, 'i')
const CELL_NAME = /^[\w .:/()#-]{0,60}$/
/** Signs of code, which headers lack. */
const CODE_SIGN = /[={}<>[\]!?$@*\\]/
/** The beginning of rows in SQL: of COPY on the next lines, of INSERT behind it. */
const SQL = /^(COPY|INSERT INTO) [^\n(]{1,200}\(([^()\n]{1,4000})\) (?:FROM stdin;|VALUES\b)/i
/** A row of dashes below a header. */
const RULE = /^[-+|: =]+$/
const SEPARATORS = ['\t', ';', '|', ',']
/** Code lists names with these signs too, indented or one in a line. */
const LISTED: ReadonlySet<string> = new Set([',', ';'])
const INDENT = /^[ \t]/
/** The longest header, in characters. */
const MAX_HEADER = 4_000
/** The fewest characters of a secret. */
const MIN_VALUE = 6

/** A line with the names of columns. */
interface Header {
  readonly names: readonly string[]
  /** The sign between the cells of the rows below it; undefined: the rows are in the same line. */
  readonly separator: string | undefined
  readonly start: number
  readonly end: number
}

/** Returns whether a text has a table with a column of secrets, whose names are far from its rows. */
export const hasTable = (text: string): boolean => !headersOf(text).next().done

/**
 * Returns the secrets of tables, each after the name of its column: a password manager's export in CSV, a database's
 * output, a dump in SQL.
 */
export function nameCells(content: Buffer): DecodedLines | undefined {
  const text = content.toString('latin1')
  const lineAt = lineCounter(content, 0)
  const rows: string[] = []
  const lines: number[] = []
  const add = (names: readonly string[], cells: readonly string[], offset: number) => {
    for (const [i, name] of names.entries()) {
      const value = cells[i] ?? ''
      if (value.length < MIN_VALUE || !SECRET_NAME.test(name)) continue
      const quote = value.includes('"') ? "'" : '"'
      rows.push(`${name.replace(/[ .]/g, '_')}=${quote}${value}${quote}`)
      lines.push(lineAt(offset))
    }
  }
  let done = 0
  for (const { names, separator, start, end } of headersOf(text)) {
    if (start < done) continue
    if (separator === undefined) for (const cells of rowsOf(text.slice(start, end))) add(names, cells, start)
    else
      for (let row = end + 1; row < text.length; row = done + 1) {
        const line = text.slice(row, endOfLine(text, row))
        const cells = cellsOf(line, separator)
        const isRule = RULE.test(line.trimEnd())
        if (!isRule && cells.length < names.length) break
        if (!isRule) add(names, cells, row)
        done = row + line.length
      }
  }
  return rows.length > 0 ? { content: Buffer.from(`${rows.join('\n')}\n`, 'latin1'), lines } : undefined
}

/** Yields the headers. The words of their names are looked for first, since nearly no line has them. */
function* headersOf(text: string): Generator<Header, undefined> {
  const word = new RegExp(NAME, 'gi')
  for (let found = word.exec(text); found; found = word.exec(text)) {
    const start = text.lastIndexOf('\n', found.index) + 1
    const end = endOfLine(text, found.index)
    word.lastIndex = end
    const header = headerIn(text.slice(start, Math.min(end, start + MAX_HEADER)))
    if (header && (header.separator === undefined || end - start <= MAX_HEADER))
      yield { ...header, start, end }
  }
}

function headerIn(line: string): Pick<Header, 'names' | 'separator'> | undefined {
  const [, verb, columns = ''] = SQL.exec(line) ?? []
  if (verb !== undefined) {
    const names = columns.split(',').map(name => name.trim().replace(/^["'`[]|["'`\]]$/g, ''))
    if (!names.some(name => SECRET_NAME.test(name))) return undefined
    return { names, separator: verb.toUpperCase() === 'COPY' ? '\t' : undefined }
  }
  if (CODE_SIGN.test(line)) return undefined
  for (const separator of SEPARATORS) {
    if (!line.includes(separator)) continue
    const names = cellsOf(line, separator)
    if (names.length < 2 || !names.every(name => CELL_NAME.test(name))) continue
    if (LISTED.has(separator) && (INDENT.test(line) || (names.length === 2 && names[1] === ''))) continue
    if (names.some(name => SECRET_NAME.test(name))) return { names, separator }
  }
  return undefined
}

function endOfLine(text: string, from: number): number {
  const newline = text.indexOf('\n', from)
  return newline < 0 ? text.length : newline
}
