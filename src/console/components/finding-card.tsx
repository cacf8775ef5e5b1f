import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import type { Finding } from '../../contract/outcome.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import type { Refused } from '../forms/call-api.ts'
import { Complaint, Form } from '../pages/layout.tsx'
import { pathOf } from '../paths.ts'
import { Given, ObjectId } from './untrusted-text.tsx'

/** How long an exception may hold, as the form offers it; hours, or null for ever. */
export const UNTIL = {
  day: { words: 'a day', hours: 24 },
  week: { words: 'a week', hours: 7 * 24 },
  month: { words: '30 days', hours: 30 * 24 },
  ever: { words: 'until it is revoked', hours: null },
} as const

/** A decision that was refused, with what its form said. */
export interface TriedDecision {
  readonly repository: string
  readonly fingerprint: string
  readonly reason: string
  readonly until: keyof typeof UNTIL
  readonly refused: Refused
}

/** The refused decision if it is one about this finding. */
export const triedOn = (tried: TriedDecision | undefined, repository: string, { fingerprint }: Finding) =>
  tried?.repository === repository && tried.fingerprint === fingerprint ? tried : undefined

interface Props {
  readonly c: Context<ConsoleEnv>
  readonly finding: Finding
  readonly repository: string
  /** The level of its heading. */
  readonly level: 2 | 3
  /** The page to come back to. */
  readonly back: string
  readonly standing: 'waiting' | 'excepted' | 'declined' | 'none'
  /** The decision about it that was just refused. */
  readonly tried: TriedDecision | undefined
}

/** A finding: where it is, what stands there, and what may be decided about it. */
export const FindingCard = ({ c, finding, repository, level, back, standing, tried }: Props) => (
  <article class="finding">
    <Heading level={level}>
      <Given text={finding.rule} />
      {finding.asksForException && <span class="asks">asks for an exception</span>}
      {standing === 'excepted' && <span class="decided">allowed</span>}
      {standing === 'declined' && <span class="decided">declined</span>}
    </Heading>
    <p class="place">
      <Given text={`${finding.path}${finding.line > 0 ? `:${finding.line}` : ''}`} mono />
      {finding.commit && (
        <>
          <span class="quiet"> in commit </span>
          <ObjectId id={finding.commit} />
        </>
      )}
    </p>
    <pre class="excerpt" title="the line, with the secret redacted">
      <Given text={finding.excerpt || '(no excerpt)'} />
    </pre>
    <p class="quiet small">
      fingerprint <Given text={finding.fingerprint} mono />
    </p>
    <Complaint refused={tried?.refused} />
    {standing === 'waiting' && (
      <Decision c={c} finding={finding} repository={repository} back={back} tried={tried} />
    )}
  </article>
)

const Heading = ({ level, children }: { level: 2 | 3; children: Child }) =>
  level === 2 ? <h2>{children}</h2> : <h3>{children}</h3>

const Decision = ({ c, finding, repository, back, tried }: Omit<Props, 'level' | 'standing'>) => (
  <Form c={c} action={`${pathOf.waiting}/decide`} class="decision">
    <input type="hidden" name="repository" value={repository} />
    <input type="hidden" name="fingerprint" value={finding.fingerprint} />
    <input type="hidden" name="back" value={back} />
    <label class="wide">
      Reason
      <input
        name="reason"
        maxlength={2000}
        placeholder="a made-up value in a test"
        autocomplete="off"
        {...(tried ? { value: tried.reason, autofocus: true } : {})}
      />
    </label>
    <label>
      How long
      <select name="until">
        {Object.entries(UNTIL).map(([value, { words }]) => (
          <option value={value} selected={value === (tried?.until ?? 'month')}>
            {words}
          </option>
        ))}
      </select>
    </label>
    <span class="actions">
      <button type="submit" name="decision" value="allow" class="primary">
        Allow
        <span class="unseen"> this finding to pass</span>
      </button>
      <button type="submit" name="decision" value="decline">
        Decline
        <span class="unseen"> this finding</span>
      </button>
    </span>
  </Form>
)
