import type { Change } from '../../contract/api.ts'
import { visible } from '../../contract/invisible-characters.ts'
import { listChanges } from '../../ledger/audit-log.ts'
import type { Refused } from './call-api.ts'

/** The field of a form that replaces a whole record: the mark of the record that the form was filled with. */
export const SEEN = 'seen'

/** How many of the newest changes are looked through for who made one. */
const LOOKED_THROUGH = 200

const CHANGED = 'changed-meanwhile'

/** Tells a record from what somebody else makes of it; nothing, where there is none, has a mark too. */
export async function markOf(record: object | undefined): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify(record ?? null))
  return new Uint8Array(await crypto.subtle.digest('SHA-256', text)).toHex()
}

export const Seen = ({ mark }: { mark: string }) => <input type="hidden" name={SEEN} value={mark} />

/** The last change of a record, if it is among the newest ones. */
export async function lastChange(
  ledger: D1Database,
  of: 'grant' | 'repository',
  subject: string,
): Promise<Change | undefined> {
  const changes = await listChanges(ledger, LOOKED_THROUGH, undefined)
  return changes.find(each => each.subject === subject && each.action.startsWith(`${of}.`))
}

/** Why a form is not taken whose record is not as it showed it, and what the record says instead. */
export const changedMeanwhile = (what: string, now: string): Refused => ({
  code: CHANGED,
  message: visible(`${what} since the form was opened, so nothing was saved`),
  fix: visible(`${now}\n\nSave once more to have it as the form says.`),
})

export const statusOf = ({ code }: Refused) => (code === CHANGED ? 409 : 400)
