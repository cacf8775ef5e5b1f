import type { Context } from 'hono'
import type { AgentGrant, Repository } from '../contract/api.ts'
import { type Action, tellRules } from '../contract/rules.ts'
import type { Refused } from './ask-api.ts'
import type { ConsoleEnv } from './env.ts'
import { Field } from './field.tsx'
import { Complaint, Form } from './page.tsx'
import { pathOf } from './paths.ts'
import { Given, visible } from './words.tsx'

interface Props {
  readonly c: Context<ConsoleEnv>
  readonly agent: string
  readonly grants: readonly AgentGrant[]
  readonly repositories: readonly Repository[]
  readonly refused: Refused | undefined
}

/** What an agent may do, in words, and a form for one more repository. */
export const Grants = ({ c, agent, grants, repositories, refused }: Props) => {
  const others = repositories.filter(each => !grants.some(grant => grant.repository === each.name))
  return (
    <section aria-labelledby="grants">
      <h2 id="grants">What it may do</h2>
      <Complaint refused={refused} />
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
            <dd>
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
        <details class="add" open={refused !== undefined}>
          <summary>Give it a repository</summary>
          <Form c={c} action={`${pathOf.agent(agent)}/grants`} class="fields">
            <label>
              Repository
              <select name="repository" required>
                {others.map(({ name }) => (
                  <option value={name}>{name}</option>
                ))}
              </select>
            </label>
            <Field
              id="push"
              label="May create and update"
              hint="branches, a pattern a line; {agent} stands for its name; none: it may read"
              wide
            >
              <textarea id="push" name="push" aria-describedby="push-hint" rows={2} spellcheck={false}>
                {'{agent}/**'}
              </textarea>
            </Field>
            <label class="wide">
              May also rewrite and delete
              <textarea name="force" rows={2} spellcheck={false}>
                {'{agent}/**'}
              </textarea>
            </label>
            <label class="wide">
              May create tags
              <textarea name="tags" rows={1} spellcheck={false} placeholder="{agent}-*" />
            </label>
            <span class="actions">
              <button type="submit" class="primary">
                Give
              </button>
            </span>
          </Form>
        </details>
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

function inWords(grant: AgentGrant): string[] {
  const { rules, denyPaths, emails, allowedSigners, symlinks, submodules, pushOptions } = grant.terms
  return [
    ...(rules.length ? tellRules(grant) : ['may read']),
    ...(denyPaths.length ? [`paths it must not touch: ${denyPaths.join(', ')}`] : []),
    ...(emails.length ? [`only as ${emails.join(', ')}`] : []),
    ...(allowedSigners ? ['every commit signed'] : []),
    ...(symlinks ? [] : ['no symbolic links']),
    ...(submodules ? [] : ['no submodules']),
    ...(pushOptions ? ['push options are passed on'] : []),
  ]
}

/** The terms that the form says; the admin API checks them. */
export function termsSent(form: Record<string, unknown>): { rules: { pattern: string; allow: Action[] }[] } {
  const allowed = new Map<string, Action[]>()
  const allow = (field: string, kind: 'heads' | 'tags', actions: Action[]) => {
    for (const line of String(form[field] ?? '').split('\n')) {
      const pattern = line.trim()
      if (!pattern) continue
      const full = pattern.startsWith('refs/') ? pattern : `refs/${kind}/${pattern}`
      allowed.set(full, [...(allowed.get(full) ?? []), ...actions])
    }
  }
  allow('push', 'heads', ['create', 'update'])
  allow('force', 'heads', ['force', 'delete'])
  allow('tags', 'tags', ['create'])
  return { rules: [...allowed].map(([pattern, actions]) => ({ pattern, allow: actions })) }
}
