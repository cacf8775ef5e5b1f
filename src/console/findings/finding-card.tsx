import type { Context } from 'hono'
import type { Finding } from '../../contract/outcome.ts'
import { hasRole } from '../../contract/role.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { UntrustedText } from '../components/untrusted-text.tsx'
import type { ApiProblem } from '../forms/call-api.ts'
import { ErrorMessage, Form } from '../pages/frame/layout.tsx'
import { pathOf } from '../paths.ts'
import { DecisionFields, type DecisionValues } from './decision-fields.tsx'
import { FindingExcerpt, FindingNotes, FindingPlace } from './finding-text.tsx'

/** The findings that a decision can cover beside the card's own. */
const SCOPES = {
  one: () => 'this finding',
  push: () => 'every finding of this push',
  path: ({ path }: Finding) => `every finding in ${escapeInvisible(path)}`,
  rule: ({ rule }: Finding) => `every finding of ${escapeInvisible(rule)}`,
  all: () => 'every pending finding of the repository',
} as const

/** A submitted decision that the API rejected, with the values of its form. */
export interface FailedDecision extends DecisionValues {
  readonly repository: string
  readonly fingerprint: string
  readonly problem: ApiProblem
}

/** Returns the failed attempt when it is about this finding. */
export const failureFor = (
  failedAttempt: FailedDecision | undefined,
  repository: string,
  { fingerprint }: Finding,
) =>
  failedAttempt?.repository === repository && failedAttempt.fingerprint === fingerprint
    ? failedAttempt
    : undefined

interface Props {
  readonly c: Context<ConsoleEnv>
  readonly finding: Finding
  readonly repository: string
  /** The id of the refused push. */
  readonly push: string
  /** The path of the page to return to. */
  readonly returnTo: string
  /** `pending`: the card has the form for a decision. */
  readonly decision: 'pending' | 'allowed' | 'declined' | 'none'
  readonly failedAttempt: FailedDecision | undefined
}

/** A finding with its location, its redacted line, and the decision or the form for it. */
export const FindingCard = ({ c, finding, repository, push, returnTo, decision, failedAttempt }: Props) => (
  <article class="finding">
    <h3>
      <UntrustedText text={finding.rule} />
      {finding.asksForException && <span class="tag exception-requested">exception requested</span>}
      {decision === 'allowed' && <span class="tag">allowed</span>}
      {decision === 'declined' && <span class="tag">declined</span>}
    </h3>
    <FindingPlace finding={finding} />
    <FindingExcerpt finding={finding} />
    <FindingNotes finding={finding} />
    <ErrorMessage problem={failedAttempt?.problem} />
    {decision === 'pending' && hasRole(c.var.operator.roles, 'approver', { repository }) && (
      <DecisionForm
        c={c}
        finding={finding}
        repository={repository}
        push={push}
        returnTo={returnTo}
        failedAttempt={failedAttempt}
      />
    )}
  </article>
)

const DecisionForm = ({ c, finding, repository, push, returnTo, failedAttempt }: Omit<Props, 'decision'>) => (
  <Form c={c} action={`${pathOf.pending}/decide`} class="decision">
    <input type="hidden" name="repository" value={repository} />
    <input type="hidden" name="fingerprint" value={finding.fingerprint} />
    <input type="hidden" name="push" value={push} />
    <input type="hidden" name="rule" value={finding.rule} />
    <input type="hidden" name="path" value={finding.path} />
    <input type="hidden" name="returnTo" value={returnTo} />
    <DecisionFields values={failedAttempt} />
    <label>
      For
      <select name="scope">
        {Object.entries(SCOPES).map(([value, label]) => (
          <option value={value}>{label(finding)}</option>
        ))}
      </select>
    </label>
    <span class="actions">
      <button type="submit" name="decision" value="allow" class="primary">
        Allow
        <span class="visually-hidden"> this finding to pass</span>
      </button>
      <button type="submit" name="decision" value="decline">
        Decline
        <span class="visually-hidden"> this finding</span>
      </button>
    </span>
  </Form>
)
