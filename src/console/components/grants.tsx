import type { Context } from 'hono'
import type { AgentGrant } from '../../contract/admin-api/agents.ts'
import type { Repository } from '../../contract/admin-api/repositories.ts'
import { Action, formatLimits, formatRules, type Grant, GrantTerms } from '../../contract/grant.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import type { ApiProblem } from '../forms/call-api.ts'
import { ConfirmForm } from '../forms/confirm-form.tsx'
import { DisclosureForm } from '../forms/disclosure-form.tsx'
import { GrantFields } from '../forms/grant-fields.tsx'
import { type GrantForm, toForm } from '../forms/grant-form.ts'
import { ErrorMessage } from '../pages/frame/layout.tsx'
import { pathOf } from '../paths.ts'
import { UntrustedText } from './untrusted-text.tsx'

interface Props {
  readonly c: Context<ConsoleEnv>
  readonly agent: string
  readonly grants: readonly AgentGrant[]
  readonly repositories: readonly Repository[]
  readonly failedAttempt: FailedGrant | undefined
}

/** A submitted grant that the API rejected, with the values of its form when there was a form. */
export interface FailedGrant {
  readonly problem: ApiProblem
  readonly form?: GrantForm
  readonly repository?: string
}

/** The initial values of the form for a new grant: every action on the agent's own branches. */
const OWN_BRANCHES = toForm(
  GrantTerms.parse({ rules: [{ pattern: 'refs/heads/{agent}/**', allow: Action.options }] }),
)

/** The grants of an agent, and a form for a new grant. */
export const Grants = ({ c, agent, grants, repositories, failedAttempt }: Props) => {
  const ungranted = repositories.filter(({ name }) => !grants.some(grant => grant.repository === name))
  return (
    <section aria-labelledby="grants">
      <h2 id="grants">Grants</h2>
      <ErrorMessage problem={failedAttempt?.problem} />
      {grants.length === 0 && <p class="muted">No grants yet.</p>}
      <dl class="grants">
        {grants.map(grant => (
          <GrantItem c={c} agent={agent} grant={grant} />
        ))}
      </dl>
      {ungranted.length > 0 && (
        <DisclosureForm
          c={c}
          summary="Add a grant"
          action={`${pathOf.agent(agent)}/grants`}
          button="Add grant"
          open={failedAttempt?.form !== undefined}
        >
          <label>
            Repository
            <select name="repository" required>
              {ungranted.map(({ name }) => (
                <option value={name} selected={failedAttempt?.repository === name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <GrantFields values={failedAttempt?.form ?? OWN_BRANCHES} />
        </DisclosureForm>
      )}
      {repositories.length === 0 && (
        <p>
          There is no repository yet. <a href={pathOf.repositories}>Add a repository</a>.
        </p>
      )}
    </section>
  )
}

const GrantItem = ({ c, agent, grant }: { c: Context<ConsoleEnv>; agent: string; grant: AgentGrant }) => (
  <div>
    <dt>
      <a href={pathOf.repository(grant.repository)}>
        <UntrustedText text={grant.repository} />
      </a>
    </dt>
    <GrantLines grant={grant} />
    <dd class="grant-actions">
      <a href={pathOf.grant(agent, grant.repository)}>
        Change<span class="visually-hidden"> the grant for {grant.repository}</span>
      </a>
      <ConfirmForm
        c={c}
        action={`${pathOf.agent(agent)}/remove-grant`}
        verb="Remove"
        object={`the grant for ${grant.repository}`}
        effect={`${agent} can no longer fetch from ${grant.repository} or push to it.`}
        values={{ repository: grant.repository }}
      />
    </dd>
  </div>
)

/** Grants without their forms, each under the name of its agent or repository. */
export const GrantList = ({
  grants,
  nameOf,
  href,
}: {
  grants: readonly AgentGrant[]
  nameOf: (grant: AgentGrant) => string
  href: (grant: AgentGrant) => string
}) => (
  <dl class="grants">
    {grants.map(grant => (
      <div>
        <dt>
          <a href={href(grant)}>
            <UntrustedText text={nameOf(grant)} />
          </a>
        </dt>
        <GrantLines grant={grant} />
      </div>
    ))}
  </dl>
)

/** The rules and limits of a grant, one line each, in a list of grants. */
const GrantLines = ({ grant }: { grant: Grant }) => (
  <>
    {formatGrant(grant).map(line => (
      <dd>
        <code>{escapeInvisible(line)}</code>
      </dd>
    ))}
  </>
)

/** Describes a grant in one line per rule or limit. */
export const formatGrant = (grant: Grant): string[] => [
  ...(grant.terms.rules.length ? formatRules(grant) : ['may read']),
  ...formatLimits(grant.terms),
]
