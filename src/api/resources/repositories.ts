import { createRoute, z } from '@hono/zod-openapi'
import { askCompanion, forgetHeadStart } from '../../companion/index.ts'
import { statusOf } from '../../companion/status.ts'
import {
  LinkCheck,
  NewRepository,
  Repository,
  RepositoryNow,
  RepositorySettings,
} from '../../contract/api.ts'
import { pinsHost } from '../../contract/known-hosts.ts'
import type { RepositoryName } from '../../contract/names.ts'
import { ConfigCheck } from '../../contract/outcome.ts'
import { parseUpstream } from '../../contract/upstream.ts'
import { findIdentity } from '../../ledger/access/identities.ts'
import {
  addRepository,
  findRepository,
  findUpstream,
  listRepositories,
  removeRepository,
  updateRepository,
} from '../../ledger/access/repositories.ts'
import { newId } from '../../ledger/id.ts'
import { companionAnswer } from '../companion-response.ts'
import { notFound, Problem } from '../problem.ts'
import { answers, room, takes } from '../router.ts'

const params = z.object({
  name: z.string().max(512).meta({ description: 'Its slashes percent-encoded: github.com%2Facme%2Fapp' }),
})
const tags = ['repositories']

export const repositories = room()
  .openapi(
    createRoute({
      method: 'get',
      path: '/repositories',
      tags,
      summary: 'Every repository behind the gate',
      responses: answers(200, z.array(Repository), 'The repositories by name'),
    }),
    async c => c.json(await listRepositories(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/repositories',
      tags,
      summary: 'Put a repository behind the gate',
      request: { body: takes(NewRepository) },
      responses: answers(201, Repository, 'It is there'),
    }),
    async c => {
      const wanted = c.req.valid('json')
      await checkSettings(c.env, wanted.name, wanted)
      if (!(await addRepository(c.env.LEDGER, c.var.operator, wanted)))
        throw new Problem(
          409,
          'exists',
          `there is a repository ${wanted.name} already`,
          `Change it with: git gate repo set ${wanted.name}`,
        )
      return c.json(await existing(c.env.LEDGER, wanted.name), 201)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/repositories/{name}',
      tags,
      summary: 'One repository',
      request: { params },
      responses: answers(200, Repository, 'The repository'),
    }),
    async c => c.json(await existing(c.env.LEDGER, c.req.valid('param').name), 200),
  )
  .openapi(
    createRoute({
      method: 'put',
      path: '/repositories/{name}',
      tags,
      summary: "Replace a repository's settings",
      request: { params, body: takes(RepositorySettings) },
      responses: answers(200, Repository, 'The repository as it is now'),
    }),
    async c => {
      const settings = c.req.valid('json')
      const { name } = await existing(c.env.LEDGER, c.req.valid('param').name)
      await checkSettings(c.env, name, settings)
      await updateRepository(c.env.LEDGER, c.var.operator, name, settings)
      return c.json(await existing(c.env.LEDGER, name), 200)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/repositories/{name}',
      tags,
      summary: 'Take a repository off the gate, with its grants and exceptions',
      request: { params },
      responses: answers(200, Repository, 'The repository as it was'),
    }),
    async c => {
      const repository = await existing(c.env.LEDGER, c.req.valid('param').name)
      await removeRepository(c.env.LEDGER, c.var.operator, repository.name)
      await forgetHeadStart(c.env, repository.name)
      return c.json(repository, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/repositories/{name}/now',
      tags,
      summary: 'Its mirror and its sessions, as its companion has them now',
      request: { params },
      responses: answers(200, RepositoryNow, 'What the companion tells, if it runs'),
    }),
    async c => {
      const { name } = c.req.valid('param')
      const upstream = await findUpstream(c.env.LEDGER, name)
      if (!upstream) throw notFound(`repository ${name}`, 'repo')
      const word = await statusOf(c.env, upstream)
      const now = word.state === 'awake' ? (word.status.repositories[0] ?? null) : null
      return c.json({ companion: word.state, now }, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/repositories/{name}/check',
      tags,
      summary: 'Try the chain from the gate to the upstream, link by link',
      request: { params },
      responses: answers(200, LinkCheck, 'The links that were tried'),
    }),
    async c => {
      const { name, upstream, identity, knownHosts, staleReads } = await existing(
        c.env.LEDGER,
        c.req.valid('param').name,
      )
      const answer = askCompanion(c.env, name, {
        service: 'check-link',
        id: newId(),
        repository: { name, url: upstream, identity, knownHosts, staleReads },
      })
      return c.json(await companionAnswer(answer, LinkCheck), 200)
    },
  )

async function existing(ledger: D1Database, name: string): Promise<Repository> {
  const repository = await findRepository(ledger, name)
  if (!repository) throw notFound(`repository ${name}`, 'repo')
  return repository
}

/**
 * Throws unless the upstream is an SSH URL, a key of its host is pinned, the identity is there, and the companion can
 * use the gitleaks configuration.
 */
async function checkSettings(env: Env, name: RepositoryName, settings: RepositorySettings): Promise<void> {
  const { upstream, knownHosts, identity } = settings
  const parsed = parseUpstream(upstream)
  if (!parsed.ok)
    throw new Problem(
      400,
      'bad-upstream',
      `the upstream cannot be used: ${parsed.why}`,
      'Give it as ssh://git@github.com/acme/app.git or git@github.com:acme/app.git',
    )
  const { host, port = 22 } = parsed.address
  if (!(await pinsHost(knownHosts, parsed.address)))
    throw new Problem(
      400,
      'no-host-key',
      `the known-hosts text has no key for ${host}${port === 22 ? '' : ` on port ${port}`}`,
      `Get it with: ssh-keyscan${port === 22 ? '' : ` -p ${port}`} ${host}, and compare its fingerprint with what the host publishes`,
    )
  if (!(await findIdentity(env.LEDGER, identity)))
    throw new Problem(
      409,
      'no-identity',
      `there is no identity ${identity}`,
      `Make it first: git gate identity new ${identity}`,
    )
  await checkConfig(env, name, settings)
}

/** Only gitleaks itself can tell whether it takes a configuration, and it is with the companion. */
async function checkConfig(
  env: Env,
  name: RepositoryName,
  { upstream, knownHosts, identity, staleReads, gitleaksConfig }: RepositorySettings,
): Promise<void> {
  if (gitleaksConfig.trim() === '') return
  const repository = { name, url: upstream, identity, knownHosts, staleReads }
  const ask = { service: 'check-config', id: newId(), repository } as const
  const answer = askCompanion(env, name, ask, { body: gitleaksConfig })
  const { problem } = await companionAnswer(answer, ConfigCheck)
  if (problem === null) return
  throw new Problem(
    400,
    'bad-gitleaks-config',
    `the gitleaks configuration cannot be used: ${problem}`,
    'It extends the default one: rules, allowlists, and extend.disabledRules to turn rules off',
  )
}
