import fs from 'node:fs'
import path from 'node:path'

/** The methods of D1's binding that migrations need. */
export interface Database {
  prepare(sql: string): Statement
  batch(statements: Statement[]): Promise<unknown>
}
interface Statement {
  bind(...values: unknown[]): Statement
  run(): Promise<unknown>
  all(): Promise<{ results: Record<string, unknown>[] }>
}

/** The table of `wrangler d1 migrations`, so that both agree on the applied migrations. */
const TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`

/** Applies a folder's new migrations in order, each in a transaction. */
export async function migrate(database: Database, folder: string): Promise<void> {
  await database.prepare(TABLE).run()
  const applied = await database.prepare('SELECT name FROM d1_migrations').all()
  const done = new Set(applied.results.map(row => row.name))
  const files = fs.readdirSync(folder).filter(file => file.endsWith('.sql') && !done.has(file))
  for (const file of files.sort()) {
    const sql = fs.readFileSync(path.join(folder, file), 'utf8')
    await database.batch([
      database.prepare(sql),
      database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(file),
    ])
  }
}
