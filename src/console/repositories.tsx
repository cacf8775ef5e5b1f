import type { Context } from 'hono'
import { z } from 'zod'
import { Repository } from '../contract/api.ts'
import { listGrants } from '../ledger/grants.ts'
import { listIdentities } from '../ledger/identities.ts'
import { lastPushes } from '../ledger/last-pushes.ts'
import { listRepositories } from '../ledger/repositories.ts'
import { askApi, type Refused } from './ask-api.ts'
import type { ConsoleEnv } from './env.ts'
import { Field } from './field.tsx'
import { Complaint, Form, Nothing, page } from './page.tsx'
import { pathOf } from './paths.ts'
import { RepositoryFields, SentRepository } from './repository-fields.tsx'
import { counted, Given, LastPush } from './words.tsx'

/** `GET /repositories` */
export const showRepositories = (c: Context<ConsoleEnv>) => repositoriesPage(c)

/** `POST /repositories`: one more behind the gate. */
export async function addRepository(c: Context<ConsoleEnv>): Promise<Response> {
  const form = await c.req.parseBody()
  const wanted = SentRepository.extend({ name: z.string().trim().default('') }).parse(form)
  const added = await askApi(c, Repository, 'POST', '/repositories', wanted)
  if (added.ok) return c.redirect(pathOf.repository(added.value.name), 303)
  return repositoriesPage(c, { refused: added.refused, form: wanted })
}

async function repositoriesPage(
  c: Context<ConsoleEnv>,
  tried?: { refused: Refused; form: SentRepository & { name: string } },
): Promise<Response> {
  const ledger = c.env.LEDGER
  const [repositories, identities, grants] = await Promise.all([
    listRepositories(ledger),
    listIdentities(ledger),
    listGrants(ledger),
  ])
  const last = await lastPushes(
    ledger,
    'repository',
    repositories.map(each => each.name),
  )
  return page(c, {
    title: 'Repositories',
    room: 'Repositories',
    status: tried ? 400 : 200,
    children: (
      <>
        <div class="head">
          <h1>Repositories</h1>
          <p>{counted(repositories.length, 'repository', 'repositories')} behind the gate</p>
        </div>
        {repositories.length === 0 && (
          <Nothing title="No repository is behind the gate yet.">
            <p>Add the first one here: its upstream is where pushes go on to.</p>
          </Nothing>
        )}
        <ul class="rows">
          {repositories.map(each => {
            const push = last.get(each.name)
            return (
              <li>
                <a class="what" href={pathOf.repository(each.name)}>
                  <Given text={each.name} />
                </a>
                <span class="wide">
                  <Given text={each.upstream} mono />
                </span>
                <span class="quiet">
                  {counted(grants.filter(grant => grant.repository === each.name).length, 'agent')}
                </span>
                <span>
                  <LastPush push={push} />
                </span>
              </li>
            )
          })}
        </ul>
        <details class="add" open={tried !== undefined || repositories.length === 0}>
          <summary>Add a repository</summary>
          <Complaint refused={tried?.refused} />
          <Form c={c} action={pathOf.repositories} class="fields">
            <Field id="name" label="Name" hint="what agents clone: one to four segments">
              <input
                id="name"
                name="name"
                aria-describedby="name-hint"
                required
                maxlength={512}
                value={tried?.form.name ?? ''}
                placeholder="github.com/acme/app"
                autocomplete="off"
              />
            </Field>
            <RepositoryFields identities={identities} values={tried?.form} />
            <span class="actions">
              <button type="submit" class="primary">
                Add
              </button>
            </span>
          </Form>
        </details>
      </>
    ),
  })
}
