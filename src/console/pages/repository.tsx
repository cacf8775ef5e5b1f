import type { Context } from 'hono'
import { LinkCheck, LiveStatus, Repository } from '../../contract/api.ts'
import { tellRules } from '../../contract/grant.ts'
import { visible } from '../../contract/invisible-characters.ts'
import type { LinkStep } from '../../contract/outcome.ts'
import { listGrants } from '../../ledger/access/grants.ts'
import { findIdentity, listIdentities } from '../../ledger/access/identities.ts'
import { findRepository } from '../../ledger/access/repositories.ts'
import { listPushRows } from '../../ledger/pushes/push-summaries.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { Copy } from '../components/copy-box.tsx'
import { MirrorNow } from '../components/mirror.tsx'
import { PushLine } from '../components/push-row.tsx'
import { Given } from '../components/untrusted-text.tsx'
import { askApi, type Refused } from '../forms/call-api.ts'
import { FoldedForm } from '../forms/disclosure-form.tsx'
import { changedMeanwhile, lastChange, markOf, SEEN, Seen, statusOf } from '../forms/edit-conflict.tsx'
import { RepositoryFields, SentRepository, settingsOf, tellDifferences } from '../forms/repository-fields.tsx'
import { pathOf } from '../paths.ts'
import { Complaint, Form, notThere, page } from './layout.tsx'

const nameIn = (c: Context<ConsoleEnv>) => c.req.param('name') ?? ''

/** `GET /repositories/<name>` */
export const showRepository = (c: Context<ConsoleEnv>) => repositoryPage(c, {})

/** `POST /repositories/<name>`: its settings are replaced. */
export async function changeRepository(c: Context<ConsoleEnv>): Promise<Response> {
  const sent = await c.req.parseBody()
  const wanted = SentRepository.parse(sent)
  const now = await findRepository(c.env.LEDGER, nameIn(c))
  const seen = now && (await markOf(settingsOf(now)))
  if (now && sent[SEEN] !== seen) {
    const refused = await settingsChanged(c.env.LEDGER, now, wanted)
    return repositoryPage(c, { settings: wanted, seen, refused })
  }
  const path = `/repositories/${encodeURIComponent(nameIn(c))}`
  const changed = await askApi(c, Repository, 'PUT', path, wanted)
  if (changed.ok) return c.redirect(pathOf.repository(nameIn(c)), 303)
  return repositoryPage(c, { settings: wanted, seen, refused: changed.refused })
}

/** `POST /repositories/<name>/check`: the chain to the upstream, tried link by link. */
export async function checkRepository(c: Context<ConsoleEnv>): Promise<Response> {
  const path = `/repositories/${encodeURIComponent(nameIn(c))}/check`
  const checked = await askApi(c, LinkCheck, 'POST', path)
  return repositoryPage(c, checked.ok ? { links: checked.value.steps } : { checkRefused: checked.refused })
}

async function settingsChanged(
  ledger: D1Database,
  now: Repository,
  wanted: SentRepository,
): Promise<Refused> {
  const last = await lastChange(ledger, 'repository', now.name)
  const differs = tellDifferences(settingsOf(now), wanted)
  return changedMeanwhile(
    `${last?.by ?? 'somebody'} has changed these settings`,
    differs.length === 0
      ? 'They are now as this form says.'
      : `Where they are not as this form says, they are now:\n${differs.join('\n')}`,
  )
}

interface Tried {
  readonly settings?: SentRepository
  /** The mark of the settings that whoever sends the form again knows of. */
  readonly seen?: string | undefined
  readonly refused?: Refused
  readonly links?: readonly LinkStep[]
  readonly checkRefused?: Refused
}

async function repositoryPage(c: Context<ConsoleEnv>, tried: Tried): Promise<Response> {
  const ledger = c.env.LEDGER
  const repository = await findRepository(ledger, nameIn(c))
  if (!repository) return notThere(c, 'repository of this name', pathOf.repositories, 'Repositories')
  const { name, upstream } = repository
  const [identity, identities, grants, { pushes }, now] = await Promise.all([
    findIdentity(ledger, repository.identity),
    listIdentities(ledger),
    listGrants(ledger, { repository: name }),
    listPushRows(ledger, { repository: name, limit: 5 }),
    askApi(c, LiveStatus, 'GET', `/repositories/${encodeURIComponent(name)}/status`),
  ])
  return page(c, {
    title: visible(name),
    room: 'Repositories',
    status: tried.refused ? statusOf(tried.refused) : tried.checkRefused ? 502 : 200,
    children: (
      <>
        <div class="head">
          <h1>
            <Given text={name} />
          </h1>
          <p>
            to <Given text={upstream} mono />
          </p>
        </div>
        <section aria-labelledby="link">
          <h2 id="link">Link to the upstream</h2>
          <Complaint refused={tried.checkRefused} />
          {tried.links && <Links links={tried.links} />}
          <Form c={c} action={`${pathOf.repository(name)}/check`}>
            <button type="submit">Check the link</button>
            <span class="quiet"> tries git, the key, reading and writing; it changes nothing</span>
          </Form>
        </section>
        <MirrorNow known={now} />
        <section aria-labelledby="key">
          <h2 id="key">Deploy key</h2>
          <p class="quiet">
            Identity <Given text={repository.identity} />. Register it with the upstream, and allow it to
            write.
          </p>
          {identity && <Copy id="public-key" text={identity.publicKey.trim()} label="the deploy key" />}
        </section>
        <section aria-labelledby="grants">
          <h2 id="grants">Who may do what</h2>
          {grants.length === 0 ? (
            <p class="quiet">
              No agent has a grant here. <a href={pathOf.agents}>Give one to an agent</a>.
            </p>
          ) : (
            <dl class="grants">
              {grants.map(grant => (
                <div>
                  <dt>
                    <a href={pathOf.agent(grant.agent)}>
                      <Given text={grant.agent} />
                    </a>
                  </dt>
                  {(grant.terms.rules.length ? tellRules(grant) : ['may read']).map(line => (
                    <dd>
                      <code>{visible(line)}</code>
                    </dd>
                  ))}
                </div>
              ))}
            </dl>
          )}
        </section>
        <section aria-labelledby="latest">
          <h2 id="latest">Latest pushes</h2>
          {pushes.length === 0 ? (
            <p class="quiet">None yet.</p>
          ) : (
            <>
              <ol class="pushes" aria-labelledby="latest">
                {pushes.map(push => (
                  <PushLine push={push} />
                ))}
              </ol>
              <p>
                <a href={`${pathOf.pushes}?${new URLSearchParams({ repository: name })}`}>All pushes to it</a>
              </p>
            </>
          )}
        </section>
        <FoldedForm
          c={c}
          summary="Change the settings"
          action={pathOf.repository(name)}
          button="Save"
          refused={tried.refused}
        >
          <Seen mark={tried.seen ?? (await markOf(settingsOf(repository)))} />
          <RepositoryFields identities={identities} values={tried.settings ?? repository} />
        </FoldedForm>
      </>
    ),
  })
}

const Links = ({ links }: { links: readonly LinkStep[] }) => (
  <div role="status">
    <ol class="links">
      {links.map(({ name, ok, detail, fix }) => (
        <li>
          <span class={ok ? 'ok' : 'ng'}>{ok ? 'ok' : 'failed'}</span>
          <strong>{visible(name)}</strong>
          <span>
            <Given text={detail} />
            {fix && <span class="fix">{visible(fix)}</span>}
          </span>
        </li>
      ))}
    </ol>
  </div>
)
