import type { Context } from 'hono'
import type { AgentGrant, Repository } from '../../contract/api.ts'
import { Action, type Grant, Terms, tellLimits, tellRules } from '../../contract/grant.ts'
import { visible } from '../../contract/invisible-characters.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import type { Refused } from '../forms/call-api.ts'
import { FoldedForm } from '../forms/disclosure-form.tsx'
import { TermsFields } from '../forms/grant-fields.tsx'
import { formOf, type TermsForm } from '../forms/grant-form.ts'
import { Complaint, Form } from '../pages/layout.tsx'
import { pathOf } from '../paths.ts'
import { Given } from './untrusted-text.tsx'

interface Props {
  readonly c: Context<ConsoleEnv>
  readonly agent: string
  readonly grants: readonly AgentGrant[]
  readonly repositories: readonly Repository[]
  readonly tried: TriedGrant | undefined
}

/** A grant that was refused, with what the form said if it was one. */
export interface TriedGrant {
  readonly refused: Refused
  readonly form?: TermsForm
  readonly repository?: string
}

/** What the form for one more repository begins with: an agent's own branches, with everything. */
const OWN_BRANCHES = formOf(
  Terms.parse({ rules: [{ pattern: 'refs/heads/{agent}/**', allow: Action.options }] }),
)

/** What an agent may do, in words, and a form for one more repository. */
export const Grants = ({ c, agent, grants, repositories, tried }: Props) => {
  const others = repositories.filter(each => !grants.some(grant => grant.repository === each.name))
  return (
    <section aria-labelledby="grants">
      <h2 id="grants">What it may do</h2>
      <Complaint refused={tried?.refused} />
      {grants.length === 0 && <p class="quiet">Nothing yet: give it a grant for a repository.</p>}
      <dl class="grants">
        {grants.map(grant => (
          <div>
            <dt>
              <a href={pathOf.repository(grant.repository)}>
                <Given text={grant.repository} />
              </a>
            </dt>
            {inWords(grant).map(line => (
              <dd>
                <code>{visible(line)}</code>
              </dd>
            ))}
            <dd class="do">
              <a href={pathOf.grant(agent, grant.repository)}>
                Change<span class="unseen"> the grant for {grant.repository}</span>
              </a>
              <Form c={c} action={`${pathOf.agent(agent)}/take-grant`}>
                <input type="hidden" name="repository" value={grant.repository} />
                <button type="submit" class="plain">
                  Take the grant back<span class="unseen"> for {grant.repository}</span>
                </button>
              </Form>
            </dd>
          </div>
        ))}
      </dl>
      {others.length > 0 ? (
        <FoldedForm
          c={c}
          summary="Give it a repository"
          action={`${pathOf.agent(agent)}/grants`}
          button="Give"
          open={tried?.form !== undefined}
        >
          <label>
            Repository
            <select name="repository" required>
              {others.map(({ name }) => (
                <option value={name} selected={tried?.repository === name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <TermsFields values={tried?.form ?? OWN_BRANCHES} />
        </FoldedForm>
      ) : (
        repositories.length === 0 && (
          <p>
            There is no repository yet. <a href={pathOf.repositories}>Add one</a>.
          </p>
        )
      )}
    </section>
  )
}

/** A grant in words, one line a rule or limit. */
export const inWords = (grant: Grant): string[] => [
  ...(grant.terms.rules.length ? tellRules(grant) : ['may read']),
  ...tellLimits(grant.terms),
]
