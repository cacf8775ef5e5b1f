import type { Context } from 'hono'
import { z } from 'zod'
import type { AuditEntry } from '../../../contract/admin-api/records.ts'
import { escapeInvisible } from '../../../contract/text/invisible-characters.ts'
import { readAuditLog } from '../../../ledger/audit-log.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { RelativeTime } from '../../components/relative-time.tsx'
import { UntrustedText } from '../../components/untrusted-text.tsx'
import { pathOf } from '../../paths.ts'
import { EmptyState } from '../frame/layout.tsx'
import { settingsPage } from './settings-page.tsx'

const PAGE_SIZE = 50
/** The most characters of a change's detail that the page shows. */
const MAX_DETAIL = 2_000

const Before = z.coerce.number().int().positive().optional().catch(undefined)

/** `GET /settings/audit-log`: the operators' changes, newest first; with `before`, older ones. */
export async function showAuditLog(c: Context<ConsoleEnv>): Promise<Response> {
  const before = Before.parse(c.req.query('before'))
  const found = await readAuditLog(c.env.LEDGER, PAGE_SIZE + 1, before)
  const entries = found.slice(0, PAGE_SIZE)
  return settingsPage(c, {
    title: 'Audit log',
    children: (
      <>
        {entries.length === 0 ? <NoEntries isFirstPage={before === undefined} /> : <Entries of={entries} />}
        <p class="pagination">
          {before !== undefined && <a href={pathOf.auditLog}>Newest changes</a>}{' '}
          {found.length > PAGE_SIZE && (
            <a href={`${pathOf.auditLog}?before=${entries.at(-1)?.id}`}>Older changes</a>
          )}
        </p>
      </>
    ),
  })
}

const NoEntries = ({ isFirstPage }: { isFirstPage: boolean }) =>
  isFirstPage ? (
    <EmptyState title="No operator has changed anything yet.">
      <p>
        Each change of an operator is recorded here. Start with <a href={pathOf.repositories}>a repository</a>
        .
      </p>
    </EmptyState>
  ) : (
    <EmptyState title="There are no older changes.">
      <p>
        <a href={pathOf.auditLog}>Back to the newest changes</a>
      </p>
    </EmptyState>
  )

const Entries = ({ of: entries }: { of: readonly AuditEntry[] }) => (
  <table class="stacked">
    <thead>
      <tr>
        <th scope="col">Time</th>
        <th scope="col">Operator</th>
        <th scope="col">Change</th>
        <th scope="col">Subject</th>
        <th scope="col">Details</th>
      </tr>
    </thead>
    <tbody>
      {entries.map(({ at, operator, action, subject, detail }) => (
        <tr>
          <td data-label="Time">
            <RelativeTime iso={at} />
          </td>
          <td data-label="Operator">
            <UntrustedText text={operator} />
          </td>
          <th scope="row" data-label="Change">
            {escapeInvisible(action)}
          </th>
          <td data-label="Subject">
            <UntrustedText text={subject} mono />
          </td>
          <td data-label="Details">
            <Detail detail={detail} />
          </td>
        </tr>
      ))}
    </tbody>
  </table>
)

const Detail = ({ detail }: Pick<AuditEntry, 'detail'>) => {
  if (Object.keys(detail).length === 0) return <span class="muted">none</span>
  const text = JSON.stringify(detail, null, 2)
  return (
    <details>
      <summary>{Object.keys(detail).map(escapeInvisible).join(', ').slice(0, 80)}</summary>
      <pre>
        {escapeInvisible(text.slice(0, MAX_DETAIL))}
        {text.length > MAX_DETAIL && '\n… the rest: git gate audit-log export'}
      </pre>
    </details>
  )
}
