import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import type { Finding } from '../../contract/outcome.ts'
import { hasRole } from '../../contract/role.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import type { ApiProblem } from '../forms/call-api.ts'
import { ErrorMessage, Form } from '../pages/layout.tsx'
import { pathOf } from '../paths.ts'
import { ObjectId, UntrustedText } from './untrusted-text.tsx'

/** The lifetimes of an exception that the form offers; null hours: it never expires. */
export const EXPIRY_OPTIONS = {
  day: { label: '1 day', hours: 24 },
  week: { label: '7 days', hours: 7 * 24 },
  month: { label: '30 days', hours: 30 * 24 },
  never: { label: 'never', hours: null },
} as const

/** The findings that a decision can cover beside the card's own. */
export const SCOPES = {
  one: () => 'this finding',
  push: () => 'every finding of this push',
  path: ({ path }: Finding) => `every finding in ${escapeInvisible(path)}`,
  rule: ({ rule }: Finding) => `every finding of ${escapeInvisible(rule)}`,
  all: () => 'every pending finding of the repository',
} as const

/** A submitted decision that the API rejected, with the values of its form. */
export interface FailedDecision {
  readonly repository: string
  readonly fingerprint: string
  readonly reason: string
  readonly until: keyof typeof EXPIRY_OPTIONS
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
  /** The heading level. */
  readonly level: 2 | 3
  /** The path of the page to return to. */
  readonly returnTo: string
  /** `pending`: the card has the form for a decision. */
  readonly decision: 'pending' | 'allowed' | 'declined' | 'none'
  readonly failedAttempt: FailedDecision | undefined
}

/** A finding with its location, its redacted line, and the decision or the form for it. */
export const FindingCard = ({
  c,
  finding,
  repository,
  push,
  level,
  returnTo,
  decision,
  failedAttempt,
}: Props) => (
  <article class="finding">
    <Heading level={level}>
      <UntrustedText text={finding.rule} />
      {finding.asksForException && <span class="tag exception-requested">exception requested</span>}
      {decision === 'allowed' && <span class="tag">allowed</span>}
      {decision === 'declined' && <span class="tag">declined</span>}
    </Heading>
    <p class="location">
      <UntrustedText text={`${finding.path}${finding.line > 0 ? `:${finding.line}` : ''}`} mono />
      {finding.commit && (
        <>
          <span class="muted"> in commit </span>
          <ObjectId id={finding.commit} />
        </>
      )}
    </p>
    <pre class="excerpt" title="the line, with the secret redacted">
      <UntrustedText text={finding.excerpt || '(no excerpt)'} />
    </pre>
    {finding.request !== undefined && (
      <p>
        The agent: <UntrustedText text={finding.request} />
      </p>
    )}
    {finding.alsoAt && (
      <p class="muted small">
        also at <UntrustedText text={finding.alsoAt.join(', ')} mono />
      </p>
    )}
    <p class="muted small">
      fingerprint <UntrustedText text={finding.fingerprint} mono />
    </p>
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

const Heading = ({ level, children }: { level: 2 | 3; children: Child }) =>
  level === 2 ? <h2>{children}</h2> : <h3>{children}</h3>

const DecisionForm = ({
  c,
  finding,
  repository,
  push,
  returnTo,
  failedAttempt,
}: Omit<Props, 'level' | 'decision'>) => (
  <Form c={c} action={`${pathOf.pending}/decide`} class="decision">
    <input type="hidden" name="repository" value={repository} />
    <input type="hidden" name="fingerprint" value={finding.fingerprint} />
    <input type="hidden" name="push" value={push} />
    <input type="hidden" name="rule" value={finding.rule} />
    <input type="hidden" name="path" value={finding.path} />
    <input type="hidden" name="returnTo" value={returnTo} />
    <label class="wide">
      Reason
      <input
        name="reason"
        maxlength={2000}
        placeholder="test value"
        autocomplete="off"
        {...(failedAttempt ? { value: failedAttempt.reason, autofocus: true } : {})}
      />
    </label>
    <label>
      Expires after
      <select name="until">
        {Object.entries(EXPIRY_OPTIONS).map(([value, { label }]) => (
          <option value={value} selected={value === (failedAttempt?.until ?? 'month')}>
            {label}
          </option>
        ))}
      </select>
    </label>
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
