import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { PushRecord } from '../../src/contract/api.ts'
import { newId } from '../../src/ledger/id.ts'

/** A push as the ledger keeps it; what is left out is that of an uneventful one. */
export type PastPush = Partial<Omit<PushRecord, 'startedAt'>> & { readonly startedAt: number }

/** The steps of a push that goes all the way, in order. */
export const STEPS = ['receiving', 'rules', 'files', 'identity', 'secrets', 'forwarding'] as const

/** The file in which a local gate's D1 keeps the ledger. */
function ledgerFile(home: string): string {
  const folder = path.join(home, 'state', 'v3', 'd1')
  const file = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .find(name => name.endsWith('.sqlite') && !name.endsWith('metadata.sqlite'))
  if (!file) throw new Error(`no ledger under ${folder}`)
  return path.join(folder, file)
}

/** Puts pushes of the past into a running gate's ledger, as no request could. */
export function writeHistory(home: string, pushes: readonly PastPush[]): string[] {
  const database = new DatabaseSync(ledgerFile(home), { timeout: 5_000 })
  try {
    const insert = database.prepare(
      `INSERT INTO pushes (id, repository, agent, token, started_at, outcome, phase, ms, refs, findings, steps,
         exceptions_used, upstream_said, told, client_address, client_version, reaped, scanned_bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    database.exec('BEGIN')
    const ids = pushes.map(push => {
      const id = push.id ?? newId(push.startedAt)
      insert.run(
        id,
        push.repository ?? 'app',
        push.agent ?? 'ada',
        push.token ?? 'aaaaaaaaaa',
        push.startedAt,
        push.outcome ?? 'accepted',
        push.phase ?? 'forwarding',
        push.ms ?? 1_200,
        ...[
          push.refs ?? [
            { ref: 'refs/heads/ada/fix', old: objectId(), new: objectId(), status: 'ok', reason: '' },
          ],
          push.findings ?? [],
          push.steps ?? [],
          push.exceptionsUsed ?? [],
        ].map(value => JSON.stringify(value)),
        push.upstreamSaid ?? '',
        JSON.stringify(push.told ?? []),
        push.clientAddress ?? '',
        push.clientVersion ?? 'git/2.39.5',
        push.reaped ?? null,
        push.scannedBytes ?? 0,
      )
      return id
    })
    database.exec('COMMIT')
    return ids
  } finally {
    database.close()
  }
}

/** An open push of the past ends. */
export const endPush = (home: string, id: string, outcome: PushRecord['outcome']) =>
  inLedger(home, database => database.prepare('UPDATE pushes SET outcome = ? WHERE id = ?').run(outcome, id))

/** The row of a push is gone: it was none. */
export const forgetPush = (home: string, id: string) =>
  inLedger(home, database => database.prepare('DELETE FROM pushes WHERE id = ?').run(id))

/** So many exceptions hold in the repository `app`, the first of them granted last. */
export const writeExceptions = (home: string, count: number, reason: (i: number) => string) =>
  inLedger(home, database => {
    const insert = database.prepare(
      `INSERT INTO exceptions (id, repository, fingerprint, reason, granted_by, created_at)
       VALUES (?, 'app', ?, ?, 'admin token grace', ?)`,
    )
    database.exec('BEGIN')
    for (let i = 0; i < count; i++)
      insert.run(`exception-${i}`, objectId(), reason(i), Date.now() - i * 1_000)
    database.exec('COMMIT')
  })

function inLedger(home: string, write: (database: DatabaseSync) => unknown): void {
  const database = new DatabaseSync(ledgerFile(home), { timeout: 5_000 })
  try {
    write(database)
  } finally {
    database.close()
  }
}

export const objectId = () => randomBytes(20).toString('hex')
