import type { Context } from 'hono'
import type { PushRecord } from '../../../contract/admin-api/pushes.ts'
import { webLinksOf } from '../../../contract/hosts/web-links.ts'
import { isNullId } from '../../../contract/names.ts'
import { findRepository } from '../../../ledger/access/repositories.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { HostLinks } from '../../components/host-links.tsx'
import { refChange } from '../../components/push-row.tsx'
import { ObjectId, RefName, UntrustedText } from '../../components/untrusted-text.tsx'
import { pathOf } from '../../paths.ts'

/** The refs of a push with git's report; refs that upstream has link to their pages at its host. */
export const PushedRefs = async ({ c, push }: { c: Context<ConsoleEnv>; push: PushRecord }) => {
  const repository = await findRepository(c.env.LEDGER, push.repository)
  const links = repository && webLinksOf(repository)
  const accepted = push.outcome === 'accepted' ? links : undefined
  return (
    <section aria-labelledby="refs">
      <h2 id="refs">{push.refs.length === 1 ? 'Ref' : 'Refs'}</h2>
      {push.refs.length === 0 ? (
        <p class="muted">The push has no refs{push.outcome === 'open' ? ' yet' : ''}.</p>
      ) : (
        <table class="stacked">
          <thead>
            <tr>
              <th scope="col">Ref</th>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col">Git’s report</th>
            </tr>
          </thead>
          <tbody>
            {push.refs.map(ref => (
              <tr>
                <th scope="row">
                  <RefName name={ref.ref} /> <span class="muted">{refChange(ref)}</span>
                  {accepted && !isNullId(ref.new) && <HostLinks of={ref} links={accepted} />}
                </th>
                <td data-label="From">
                  <ObjectId id={ref.old} href={links?.commit(ref.old)} />
                </td>
                <td data-label="To">
                  <ObjectId id={ref.new} href={accepted?.commit(ref.new)} />
                </td>
                <td data-label="Git’s report">
                  {ref.status === null ? (
                    <span class="muted">pending</span>
                  ) : (
                    <>
                      <strong class={ref.status}>{ref.status}</strong> <UntrustedText text={ref.reason} />
                    </>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {(push.outcome === 'accepted' || push.outcome === 'refused') && (
        <p class="after-table">
          <a href={pathOf.diff(push.id)}>Commits and diff</a>
        </p>
      )}
    </section>
  )
}
