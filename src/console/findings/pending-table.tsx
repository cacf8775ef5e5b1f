import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import { hasRole } from '../../contract/role.ts'
import type { PendingFinding, PendingOrder } from '../../ledger/findings/pending-findings.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { RelativeTime } from '../components/relative-time.tsx'
import { UntrustedText } from '../components/untrusted-text.tsx'
import type { ApiProblem } from '../forms/call-api.ts'
import { ErrorMessage, Form } from '../pages/frame/layout.tsx'
import { pathOf } from '../paths.ts'
import { pathOfAllowAll } from './allow-all.tsx'
import { DecisionFields, type DecisionValues } from './decision-fields.tsx'
import { FindingExcerpt, FindingNotes, FindingPlace } from './finding-text.tsx'
import { selectionValue } from './selection.ts'

/** A decision on a selection that the API rejected, with the values of its form. */
export interface FailedSelection extends DecisionValues {
  readonly selected: readonly string[]
  readonly problem: ApiProblem
}

interface Props {
  readonly c: Context<ConsoleEnv>
  readonly findings: readonly PendingFinding[]
  readonly order: PendingOrder
  /** The path of the page to return to. */
  readonly returnTo: string
  readonly failedAttempt: FailedSelection | undefined
}

/** The pending findings in groups, and one decision with one reason for the selected findings. */
export const PendingTable = ({ c, findings, order, returnTo, failedAttempt }: Props) => (
  <Form c={c} action={`${pathOf.pending}/decide-selected`} class="selection">
    <input type="hidden" name="returnTo" value={returnTo} />
    {[...Map.groupBy(findings, groupOf(order)).values()].map((group, index) => (
      <Group c={c} findings={group} order={order} id={`group-${index}`} failedAttempt={failedAttempt} />
    ))}
    {findings.some(({ repository }) => mayDecide(c, repository)) && <Decide failedAttempt={failedAttempt} />}
  </Form>
)

/** Viewers see the findings without the boxes. */
const mayDecide = (c: Context<ConsoleEnv>, repository: string) =>
  hasRole(c.var.operator.roles, 'approver', { repository })

const Decide = ({ failedAttempt }: Pick<Props, 'failedAttempt'>) => (
  <div class="decide">
    <ErrorMessage problem={failedAttempt?.problem} />
    <p id="selected" role="status">
      Select findings, then allow or decline them with one reason.
    </p>
    <div class="decision">
      <DecisionFields values={failedAttempt} />
      <span class="actions">
        <button type="submit" name="decision" value="allow" class="primary">
          Allow<span class="visually-hidden"> the selected findings to pass</span>
        </button>
        <button type="submit" name="decision" value="decline">
          Decline<span class="visually-hidden"> the selected findings</span>
        </button>
      </span>
    </div>
  </div>
)

const groupOf =
  (order: PendingOrder) =>
  ({ repository, push, finding: { rule, path } }: PendingFinding): string =>
    ({ push, rule, path: `${repository} ${path}` })[order]

const Group = ({
  c,
  findings,
  order,
  id,
  failedAttempt,
}: Pick<Props, 'c' | 'order' | 'failedAttempt'> & { findings: readonly PendingFinding[]; id: string }) => {
  const [first] = findings
  if (!first) return null
  return (
    <section aria-labelledby={id}>
      <div class="group-title">
        <h2 id={id}>
          <GroupTitle of={first} order={order} />
        </h2>
        {order === 'push' && findings.length > 1 && mayDecide(c, first.repository) && (
          <a href={pathOfAllowAll(first.push)}>
            Allow all of this push<span class="visually-hidden"> of {first.agent}</span>
          </a>
        )}
        <label class="check" hidden data-selects={id}>
          <input type="checkbox" /> Select all<span class="visually-hidden"> of this group</span>
        </label>
      </div>
      <table class="findings-table">
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">Selected</span>
            </th>
            <th scope="col">Rule</th>
            <th scope="col">Finding</th>
          </tr>
        </thead>
        <tbody>
          {findings.map(pending => (
            <Row c={c} pending={pending} order={order} selected={failedAttempt?.selected ?? []} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

const GroupTitle = ({ of, order }: { of: PendingFinding; order: PendingOrder }): Child =>
  order === 'push' ? (
    <PushLink pending={of} />
  ) : order === 'rule' ? (
    <UntrustedText text={of.finding.rule} />
  ) : (
    <>
      <UntrustedText text={of.finding.path} mono /> <span class="muted">in</span>{' '}
      <UntrustedText text={of.repository} />
    </>
  )

const Row = ({
  c,
  pending,
  order,
  selected,
}: {
  c: Context<ConsoleEnv>
  pending: PendingFinding
  order: PendingOrder
  selected: readonly string[]
}) => {
  const { repository, finding, pushes, lastAt } = pending
  const value = selectionValue(repository, finding.fingerprint)
  const id = `finding-${finding.fingerprint}-${repository}`
  return (
    <tr>
      <td>
        {mayDecide(c, repository) && (
          <input
            type="checkbox"
            class="entry"
            name="finding"
            id={id}
            value={value}
            checked={selected.includes(value)}
          />
        )}
      </td>
      <th scope="row">
        <label for={id}>
          <UntrustedText text={finding.rule} />
        </label>
        {finding.asksForException && <span class="tag exception-requested">exception requested</span>}
      </th>
      <td>
        <FindingPlace finding={finding} />
        <FindingExcerpt finding={finding} />
        {order !== 'push' && <PushLink pending={pending} />}
        <p class="muted small">
          refused {pushes > 1 ? `${pushes} times, last ` : ''}
          <RelativeTime iso={lastAt} />
        </p>
        <FindingNotes finding={finding} />
      </td>
    </tr>
  )
}

const PushLink = ({ pending: { push, agent, repository, refs } }: { pending: PendingFinding }) => (
  <span class="push-link">
    <a href={pathOf.push(push)}>
      <UntrustedText text={agent} /> to <UntrustedText text={repository} />
    </a>{' '}
    <UntrustedText text={refs.map(ref => ref.replace(/^refs\/heads\//, '')).join(', ')} mono />
  </span>
)
