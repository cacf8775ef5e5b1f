import type { AuditEntry } from '../../contract/admin-api/records.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import { readAuditLog } from '../../ledger/audit-log.ts'
import type { ApiProblem } from './call-api.ts'

/** The form field with the version of the record that the form was rendered from. */
export const VERSION = 'version'

/** `lastChange` searches this many of the newest changes. */
const MAX_ENTRIES = 200

const EDIT_CONFLICT = 'edit-conflict'

/** Returns a hash that identifies the version of a record; a missing record has a version too. */
export async function versionOf(record: object | undefined): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify(record ?? null))
  return new Uint8Array(await crypto.subtle.digest('SHA-256', text)).toHex()
}

export const VersionField = ({ version }: { version: string }) => (
  <input type="hidden" name={VERSION} value={version} />
)

/** Returns the last change of a record, or undefined when it is not among the newest changes. */
export async function lastChange(
  ledger: D1Database,
  kind: 'grant' | 'repository',
  subject: string,
): Promise<AuditEntry | undefined> {
  const entries = await readAuditLog(ledger, MAX_ENTRIES, undefined)
  return entries.find(entry => entry.subject === subject && entry.action.startsWith(`${kind}.`))
}

/** Returns the problem of a form whose record has changed since: what changed, and the present values. */
export const conflictProblem = (change: string, presentValues: string): ApiProblem => ({
  code: EDIT_CONFLICT,
  message: escapeInvisible(`${change} since the form was opened, so nothing was saved`),
  fix: escapeInvisible(`${presentValues}\n\nSave again to replace these values with those of the form.`),
})

export const statusOf = ({ code }: ApiProblem) => (code === EDIT_CONFLICT ? 409 : 400)
