import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

/** The file in which a local gate's D1 keeps the ledger. */
export function ledgerFile(home: string): string {
  const folder = path.join(home, 'state', 'v3', 'd1')
  const file = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .find(name => name.endsWith('.sqlite') && !name.endsWith('metadata.sqlite'))
  if (!file) throw new Error(`no ledger under ${folder}`)
  return path.join(folder, file)
}

type Rows = ReadonlyMap<string, readonly Record<string, SQLInputValue>[]>

/** Reads every row of a new ledger, which has few. */
export function readLedger(home: string): Rows {
  using database = new DatabaseSync(ledgerFile(home), { timeout: 10_000, readOnly: true })
  return new Map(
    tablesOf(database).map(table => [
      table,
      database.prepare(`SELECT * FROM "${table}"`).all() as Record<string, SQLInputValue>[],
    ]),
  )
}

/** Puts a ledger back to these rows, past a running Worker. */
export function resetLedger(home: string, rows: Rows): void {
  using database = new DatabaseSync(ledgerFile(home), { timeout: 10_000, enableForeignKeyConstraints: false })
  database.exec('BEGIN IMMEDIATE')
  const tables = tablesOf(database)
  // Triggers write rows as others are deleted, so each table is emptied twice.
  for (const table of [...tables, ...tables]) database.exec(`DELETE FROM "${table}"`)
  for (const [table, kept] of rows)
    for (const row of kept) {
      const names = Object.keys(row)
      const places = names.map(() => '?').join(', ')
      database
        .prepare(`INSERT INTO "${table}" (${names.map(name => `"${name}"`).join(', ')}) VALUES (${places})`)
        .run(...Object.values(row))
    }
  database.exec('COMMIT')
}

/** The ledger's own tables, without those of SQLite, D1 and its migrations. */
function tablesOf(database: DatabaseSync): string[] {
  const named = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  return named.map(({ name }) => String(name)).filter(name => !/^(sqlite_|_cf_|d1_)/.test(name))
}
