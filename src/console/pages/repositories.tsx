import type { Context } from 'hono'
import { z } from 'zod'
import { Repository } from '../../contract/api.ts'
import { listGrants } from '../../ledger/access/grants.ts'
import { listIdentities } from '../../ledger/access/identities.ts'
import { listRepositories } from '../../ledger/access/repositories.ts'
import { lastPushes } from '../../ledger/pushes/last-pushes.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { counted } from '../components/plural.ts'
import { Rows } from '../components/resource-list.tsx'
import { Given } from '../components/untrusted-text.tsx'
import { askApi, type Refused } from '../forms/call-api.ts'
import { FoldedForm } from '../forms/disclosure-form.tsx'
import { Field } from '../forms/field.tsx'
import { RepositoryFields, SentRepository } from '../forms/repository-fields.tsx'
import { pathOf } from '../paths.ts'
import { Nothing, page } from './layout.tsx'

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
        <Rows
          rows={repositories.map(({ name, upstream }) => ({
            name,
            href: pathOf.repository(name),
            about: <Given text={upstream} mono />,
            has: counted(grants.filter(({ repository }) => repository === name).length, 'agent'),
          }))}
          last={last}
        />
        <FoldedForm
          c={c}
          summary="Add a repository"
          action={pathOf.repositories}
          button="Add"
          open={repositories.length === 0}
          refused={tried?.refused}
        >
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
        </FoldedForm>
      </>
    ),
  })
}
