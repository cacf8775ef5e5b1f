/** A search reads this many of the newest pushes that the other filters leave. */
export const SEARCHED_PUSHES = 10_000

/** SQLite's lower() knows ASCII only. */
const lowerAscii = (text: string) => text.replace(/[A-Z]/g, letter => letter.toLowerCase())

/**
 * Returns the condition that `text` is a push's id, or part of its agent or repository, of the name, an object id or the
 * reason of a ref, or of the rule, path or commit of a finding, without regard to case. `first` is the number of the
 * condition's first value.
 */
export function searchCondition(text: string, first: number): { condition: string; values: string[] } {
  const part = lowerAscii(text)
  const has = (expression: string) => `instr(lower(${expression}), ?${first}) > 0`
  // The whole column is compared first: to take it apart costs more.
  const anyOf = (column: string, fields: readonly string[]) =>
    `(instr(lower(${column}), ?${first + 1}) > 0 AND EXISTS (SELECT 1 FROM json_each(${column}) each WHERE ${fields
      .map(field => has(`each.value ->> '${field}'`))
      .join(' OR ')}))`
  const parts = [
    `id = ?${first}`,
    ...['agent', 'repository'].map(has),
    anyOf('refs', ['ref', 'new', 'old', 'reason']),
    anyOf('findings', ['rule', 'path', 'commit']),
  ]
  return { condition: parts.join(' OR '), values: [part, JSON.stringify(part).slice(1, -1)] }
}
