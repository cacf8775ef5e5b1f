import type { DecodedLines } from './escapes.ts'

const NAME =
  '(?:passw(?:or)?d|passphrase|secret|token|api[ _-]?key|access[ _-]?key|private[ _-]?key|credential)'
/** A cell of a header that names a secret. */
const SECRET_NAME = new RegExp(`^[\\w .-]{0,40}${NAME}[\\w .-]{0,20}$`, 'i')
/** A line with such a cell between two signs that separate cells. */
const HEADER = new RegExp(
  `(?:^|[,;\\t|])[ "'\`]{0,3}[\\w .-]{0,40}${NAME}[\\w .-]{0,20}(?=["'\`]? *(?:[,;\\t|]|\\r?$))`,
  'gim',
)
/** The columns of rows in SQL: of COPY, and of INSERT with its rows behind them. */
const SQL_ROWS = /^(COPY|INSERT INTO) [^\n(]{1,200}\(([^()\n]{1,4000})\) (?:FROM stdin;|VALUES\b)/gim

const CELL_NAME = /^[\w .:/()#-]{0,60}$/
/** A row of dashes below a header. */
const RULE = /^[-+|: =]+$/
/** The longest header, in characters, and the most cells of a row. */
const MAX_HEADER = 4_000
const MAX_CELLS = 200
/** The fewest characters of a secret. */
const MIN_VALUE = 6

/** Says whether a text has a table with a column of secrets, whose names are far from its rows. */
export const hasTable = (text: string): boolean => text.search(HEADER) >= 0 || text.search(SQL_ROWS) >= 0

/**
 * Returns the secrets of tables, each after the name of its column: a password manager's export in CSV, a database's
 * output, a dump in SQL.
 */
export function nameCells(content: Buffer): DecodedLines | undefined {
  const text = content.toString('latin1')
  if (!hasTable(text)) return undefined
  const source = text.split('\n')
  const rows: string[] = []
  const lines: number[] = []
  const add = (names: readonly string[], cells: readonly string[], line: number) => {
    names.forEach((name, i) => {
      const value = cells[i] ?? ''
      if (!SECRET_NAME.test(name) || value.length < MIN_VALUE) return
      const quote = value.includes('"') ? "'" : '"'
      rows.push(`${name.replace(/[ .]/g, '_')}=${quote}${value}${quote}`)
      lines.push(line)
    })
  }
  for (let i = 0; i < source.length; i++) {
    const line = source[i] ?? ''
    const sql = columnsOf(line)
    const separator = sql === undefined ? separatorOf(line) : undefined
    if (sql?.isCopy)
      for (let row = i + 1; source[row]?.includes('\t'); row++)
        add(sql.names, cellsOf(source[row] ?? '', '\t'), row)
    else if (sql) for (const cells of rowsOf(line.slice(sql.end))) add(sql.names, cells, i)
    if (separator === undefined) continue
    const names = cellsOf(line, separator)
    for (; i + 1 < source.length; i++) {
      const row = source[i + 1] ?? ''
      if (RULE.test(row.trimEnd())) continue
      const cells = cellsOf(row, separator)
      if (cells.length < names.length) break
      add(names, cells, i + 1)
    }
  }
  return rows.length > 0 ? { content: Buffer.from(`${rows.join('\n')}\n`, 'latin1'), lines } : undefined
}

/** Returns the sign that separates the cells of a header; undefined: the line is no header with a secret's name. */
function separatorOf(line: string): string | undefined {
  if (line.length > MAX_HEADER || line.search(HEADER) < 0) return undefined
  return ['\t', ';', '|', ','].find(sign => {
    const cells = cellsOf(line, sign)
    return (
      cells.length >= 2 &&
      cells.every(cell => CELL_NAME.test(cell)) &&
      cells.some(cell => SECRET_NAME.test(cell))
    )
  })
}

/** Splits a row into cells. A separator between double quotes is part of its cell. */
function cellsOf(row: string, separator: string): string[] {
  const cells: string[] = []
  let cell = ''
  let isQuoted = false
  for (const character of row) {
    if (character === '"') isQuoted = !isQuoted
    else if (character === separator && !isQuoted) {
      cells.push(cell.trim())
      cell = ''
      if (cells.length >= MAX_CELLS) return cells
    } else cell += character
  }
  cells.push(cell.trim())
  return cells
}

interface Columns {
  readonly names: readonly string[]
  readonly isCopy: boolean
  readonly end: number
}

function columnsOf(line: string): Columns | undefined {
  SQL_ROWS.lastIndex = 0
  const [statement, verb = '', columns = ''] = SQL_ROWS.exec(line) ?? []
  if (statement === undefined) return undefined
  const names = columns.split(',').map(name => name.trim().replace(/^["'`[]|["'`\]]$/g, ''))
  return { names, isCopy: verb.toUpperCase() === 'COPY', end: statement.length }
}

/**
 * Yields the rows after VALUES. A string is between single quotes; a doubled quote, and a sign after a backslash, are
 * part of it.
 */
function* rowsOf(values: string): Generator<string[]> {
  let row: string[] = []
  let cell = ''
  let isQuoted = false
  for (let i = 0; i < values.length; i++) {
    const character = values.charAt(i)
    if (isQuoted && character === '\\') cell += values.charAt(++i)
    else if (character === "'") {
      if (isQuoted && values.charAt(i + 1) === "'") cell += values.charAt(++i)
      else isQuoted = !isQuoted
    } else if (isQuoted || !/[(),]/.test(character)) cell += character
    else {
      if (character !== '(') row.push(cell.trim())
      cell = ''
      if (character === ')') yield row
      if (character !== ',' || row.length >= MAX_CELLS) row = []
    }
  }
}
