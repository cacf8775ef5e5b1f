/** The most cells of a row. */
const MAX_CELLS = 200

/** Splits a row into cells. A separator between double quotes is part of its cell. */
export function cellsOf(row: string, separator: string): string[] {
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

/**
 * Yields the rows after VALUES. A string is between single quotes; a doubled quote, and a sign after a backslash, are
 * part of it.
 */
export function* rowsOf(values: string): Generator<string[]> {
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
