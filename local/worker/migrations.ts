import fs from 'node:fs'
import path from 'node:path'

export interface Statement {
  readonly sql: string
  readonly values?: readonly string[]
}
export type Row = Readonly<Record<string, unknown>>

/** A database that runs statements in a transaction, and returns the rows of each. */
export interface Database {
  batch(statements: readonly Statement[]): Promise<readonly (readonly Row[])[]>
}

/** The table of `wrangler d1 migrations`, so that both agree on the applied migrations. */
const TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`

/** Applies a folder's new migrations in order, each in a transaction. */
export async function migrate(database: Database, folder: string): Promise<void> {
  const [, applied = []] = await database.batch([{ sql: TABLE }, { sql: 'SELECT name FROM d1_migrations' }])
  const done = new Set(applied.map(row => row.name))
  const files = fs.readdirSync(folder).filter(file => file.endsWith('.sql') && !done.has(file))
  for (const file of files.sort()) {
    const sql = fs.readFileSync(path.join(folder, file), 'utf8')
    await database.batch([{ sql }, { sql: 'INSERT INTO d1_migrations (name) VALUES (?)', values: [file] }])
  }
}
