import { createRoute, z } from '@hono/zod-openapi'
import { askCompanion, deleteMirrorSeed } from '../../companion/index.ts'
import { statusOf } from '../../companion/status.ts'
import { NewRepository, Repository, RepositorySettings } from '../../contract/admin-api/repositories.ts'
import { ConnectionCheck, LiveStatus } from '../../contract/admin-api/status.ts'
import type { RepositoryName } from '../../contract/names.ts'
import { ConfigCheck } from '../../contract/outcome.ts'
import { hasRole } from '../../contract/role.ts'
import { hasHostKey } from '../../contract/ssh/known-hosts.ts'
import { publishedHostKeys } from '../../contract/ssh/published-host-keys.ts'
import { parseUpstream, type UpstreamAddress } from '../../contract/upstream.ts'
import { findCredential } from '../../ledger/access/credentials.ts'
import { findIdentity } from '../../ledger/access/identities.ts'
import {
  addRepository,
  findRepository,
  findUpstream,
  listRepositories,
  removeRepository,
  toUpstream,
  updateRepository,
} from '../../ledger/access/repositories.ts'
import { newId } from '../../ledger/id.ts'
import { parseCompanionResponse } from '../companion-response.ts'
import { notFound, Problem } from '../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../router.ts'

const params = z.object({
  name: z
    .string()
    .max(512)
    .meta({ description: 'The name with its slashes percent-encoded: github.com%2Facme%2Fapp' }),
})
const tags = ['repositories']

export const repositories = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/repositories',
      tags,
      summary: 'List the repositories in which the operator has a role',
      responses: jsonResponses(200, z.array(Repository), 'The repositories, sorted by name'),
    }),
    async c =>
      c.json(
        (await listRepositories(c.env.LEDGER)).filter(({ name }) =>
          hasRole(c.var.operator.roles, 'viewer', { repository: name }),
        ),
        200,
      ),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/repositories',
      tags,
      summary: 'Add a repository',
      request: { body: jsonBody(NewRepository) },
      responses: jsonResponses(201, Repository, 'The new repository'),
    }),
    async c => {
      const wanted = withHostKeys(c.req.valid('json'))
      await checkSettings(c.env, wanted.name, wanted)
      if (!(await addRepository(c.env.LEDGER, c.var.operator, wanted)))
        throw new Problem(
          409,
          'exists',
          `repository ${wanted.name} already exists`,
          `Change it with: git gate repo set ${wanted.name}`,
        )
      return c.json(await getRepositoryOr404(c.env.LEDGER, wanted.name), 201)
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/repository-settings/check',
      tags,
      summary: "Check a repository's settings without saving them",
      request: { body: jsonBody(NewRepository) },
      responses: jsonResponses(200, NewRepository.pick({ name: true }), 'The settings are valid'),
    }),
    async c => {
      const { name, ...settings } = c.req.valid('json')
      await checkSettings(c.env, name, settings)
      return c.json({ name }, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/repositories/{name}',
      tags,
      summary: 'Get a repository',
      request: { params },
      responses: jsonResponses(200, Repository, 'The repository'),
    }),
    async c => c.json(await getRepositoryOr404(c.env.LEDGER, c.req.valid('param').name), 200),
  )
  .openapi(
    createRoute({
      method: 'put',
      path: '/repositories/{name}',
      tags,
      summary: "Replace a repository's settings",
      request: { params, body: jsonBody(RepositorySettings) },
      responses: jsonResponses(200, Repository, 'The changed repository'),
    }),
    async c => {
      const settings = withHostKeys(c.req.valid('json'))
      const { name } = await getRepositoryOr404(c.env.LEDGER, c.req.valid('param').name)
      await checkSettings(c.env, name, settings)
      await updateRepository(c.env.LEDGER, c.var.operator, name, settings)
      return c.json(await getRepositoryOr404(c.env.LEDGER, name), 200)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/repositories/{name}',
      tags,
      summary: 'Remove a repository with its grants and exceptions',
      request: { params },
      responses: jsonResponses(200, Repository, 'The removed repository'),
    }),
    async c => {
      const repository = await getRepositoryOr404(c.env.LEDGER, c.req.valid('param').name)
      await removeRepository(c.env.LEDGER, c.var.operator, repository.name)
      await deleteMirrorSeed(c.env, repository.name)
      return c.json(repository, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/repositories/{name}/status',
      tags,
      summary: 'Get the live status of a repository: its mirror and its sessions',
      request: { params },
      responses: jsonResponses(200, LiveStatus, 'The live status, as the companion reports it'),
    }),
    async c => {
      const { name } = c.req.valid('param')
      const upstream = await findUpstream(c.env.LEDGER, name)
      if (!upstream) throw notFound(`repository ${name}`, 'repo')
      const companion = await statusOf(c.env, upstream)
      const status = companion.state === 'running' ? (companion.status.repositories[0] ?? null) : null
      return c.json({ companion: companion.state, status }, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/repositories/{name}/check',
      tags,
      summary: 'Check the connection to the upstream, step by step',
      request: { params },
      responses: jsonResponses(200, ConnectionCheck, 'The steps, in order'),
    }),
    async c => {
      const repository = await toUpstream(
        c.env.LEDGER,
        await getRepositoryOr404(c.env.LEDGER, c.req.valid('param').name),
      )
      const call = { service: 'check-connection', id: newId(), repository } as const
      const response = askCompanion(c.env, repository.name, call)
      return c.json(await parseCompanionResponse(response, ConnectionCheck), 200)
    },
  )

async function getRepositoryOr404(ledger: D1Database, name: string): Promise<Repository> {
  const repository = await findRepository(ledger, name)
  if (!repository) throw notFound(`repository ${name}`, 'repo')
  return repository
}

/** Fills in the keys that a recognized host publishes, if no known hosts are given. */
const withHostKeys = <T extends RepositorySettings>(settings: T): T =>
  settings.knownHosts.trim() === ''
    ? { ...settings, knownHosts: publishedHostKeys(settings.upstream) ?? '' }
    : settings

/**
 * Throws a Problem unless the upstream's URL is valid, the gate has what its transport needs, and gitleaks accepts the
 * configuration.
 */
async function checkSettings(env: Env, name: RepositoryName, settings: RepositorySettings): Promise<void> {
  const parsed = parseUpstream(settings.upstream)
  if (!parsed.ok)
    throw new Problem(
      400,
      'bad-upstream',
      `the upstream URL is invalid: ${parsed.reason}`,
      'Give it as ssh://git@github.com/acme/app.git, git@github.com:acme/app.git or https://github.com/acme/app.git',
    )
  if (parsed.address.transport === 'ssh') await checkHostKey(settings, parsed.address)
  else checkHttps(settings)
  await checkGitleaksConfig(env, name, settings)
  if (parsed.address.transport === 'ssh') await checkIdentity(env.LEDGER, settings)
  if (settings.credential !== null && !(await findCredential(env.LEDGER, settings.credential)))
    throw new Problem(
      409,
      'no-credential',
      `there is no credential ${settings.credential}`,
      `Create it first: git gate credential set ${settings.credential} --user USER`,
    )
}

/** Throws a Problem unless the host key of an SSH upstream is pinned. */
async function checkHostKey({ knownHosts }: RepositorySettings, address: UpstreamAddress): Promise<void> {
  const { host, port = 22 } = address
  if (!(await hasHostKey(knownHosts, address)))
    throw new Problem(
      400,
      'no-host-key',
      `the known hosts have no key for ${host}${port === 22 ? '' : ` on port ${port}`}`,
      `Get it with: ssh-keyscan${port === 22 ? '' : ` -p ${port}`} ${host}, and compare its fingerprint with what the host publishes`,
    )
}

/** Throws a Problem unless the identity of an SSH upstream exists. */
async function checkIdentity(ledger: D1Database, { identity }: RepositorySettings): Promise<void> {
  if (identity === null)
    throw new Problem(
      400,
      'no-identity',
      'an SSH upstream needs an identity',
      'Name one of: git gate identity list',
    )
  if (!(await findIdentity(ledger, identity)))
    throw new Problem(
      409,
      'no-identity',
      `there is no identity ${identity}`,
      `Create it first: git gate identity new ${identity}`,
    )
}

/** Throws a Problem unless an HTTPS upstream has a credential, and nothing that only SSH uses. */
function checkHttps({ credential, identity, knownHosts }: RepositorySettings): void {
  if (credential === null)
    throw new Problem(
      400,
      'no-credential',
      'an HTTPS upstream needs a credential',
      'Name one of: git gate credential list',
    )
  if (identity !== null || knownHosts.trim() !== '')
    throw new Problem(
      400,
      'bad-upstream',
      'an HTTPS upstream has no identity and no known hosts: its certificate and a credential serve instead',
      'Leave both out',
    )
}

/** Has the companion load the configuration with gitleaks; no other validation is reliable. */
async function checkGitleaksConfig(
  env: Env,
  name: RepositoryName,
  settings: RepositorySettings,
): Promise<void> {
  if (settings.gitleaksConfig.trim() === '') return
  const repository = await toUpstream(env.LEDGER, { ...settings, name })
  const call = { service: 'check-config', id: newId(), repository } as const
  const response = askCompanion(env, name, call, { body: settings.gitleaksConfig })
  const { problem } = await parseCompanionResponse(response, ConfigCheck)
  if (problem === null) return
  throw new Problem(
    400,
    'bad-gitleaks-config',
    `the gitleaks configuration is invalid: ${problem}`,
    'The configuration extends the default configuration: it adds rules and allowlists, and extend.disabledRules turns rules off',
  )
}
