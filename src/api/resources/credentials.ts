import { createRoute, z } from '@hono/zod-openapi'
import { companionKind, settingsOf } from '../../common/settings.ts'
import { askCompanion } from '../../companion/index.ts'
import { Credential, CredentialSettings, RemovedCredential } from '../../contract/admin-api/credentials.ts'
import { type HostCredential, USER_OF_APP } from '../../contract/credential.ts'
import { CredentialName, credentialVariable } from '../../contract/names.ts'
import {
  findCredential,
  listCredentials,
  removeCredential,
  setCredential,
} from '../../ledger/access/credentials.ts'
import { listRepositories } from '../../ledger/access/repositories.ts'
import { newId } from '../../ledger/id.ts'
import { parseCompanionResponse } from '../companion-response.ts'
import { deleteSecret } from '../delete-secret.ts'
import { notFound, Problem } from '../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../router.ts'

const params = z.object({ name: z.string().max(64) })
const nameParams = z.object({ name: CredentialName })
const tags = ['credentials']

export const credentials = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/credentials',
      tags,
      summary: 'List credentials, without their secrets',
      responses: jsonResponses(200, z.array(Credential), 'The credentials, sorted by name'),
    }),
    async c => c.json(await listCredentials(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/credentials/{name}',
      tags,
      summary: 'Get a credential, without its secret',
      request: { params },
      responses: jsonResponses(200, Credential, 'The credential'),
    }),
    async c => c.json(await getCredentialOr404(c.env.LEDGER, c.req.valid('param').name), 200),
  )
  .openapi(
    createRoute({
      method: 'put',
      path: '/credentials/{name}',
      tags,
      summary: 'Create a credential for hosts over HTTPS, or replace it',
      description: 'The companion stores the secret; no response contains it.',
      request: { params: nameParams, body: jsonBody(CredentialSettings) },
      responses: jsonResponses(200, Credential, 'The credential, without its secret'),
    }),
    async c => {
      const { name } = c.req.valid('param')
      const { secret, ...settings } = c.req.valid('json')
      const credential = { name, ...withUser(settings, await findCredential(c.env.LEDGER, name)) }
      checkKind(credential, secret)
      if (companionKind(settingsOf(c.env)) === 'local') await storeOnCompanion(c.env, name, secret)
      else await checkVariable(c.env.LEDGER, credential, secret)
      await setCredential(c.env.LEDGER, c.var.operator, credential)
      return c.json(await getCredentialOr404(c.env.LEDGER, name), 200)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/credentials/{name}',
      tags,
      summary: 'Remove a credential that no repository uses, and delete its secret',
      request: { params: nameParams },
      responses: jsonResponses(200, RemovedCredential, 'The removed credential'),
    }),
    async c => {
      const { name } = c.req.valid('param')
      const users = (await listRepositories(c.env.LEDGER)).filter(({ credential }) => credential === name)
      if (users.length)
        throw new Problem(
          409,
          'in-use',
          `${name} is used by ${users.map(repository => repository.name).join(', ')}`,
          'Give these repositories another credential first: git gate repo set NAME --credential CREDENTIAL',
        )
      const credential = await findCredential(c.env.LEDGER, name)
      await removeCredential(c.env.LEDGER, c.var.operator, name)
      // The companion may still have the secret of a credential that the ledger has lost.
      const secretDeleted = await deleteSecret(c.env, { service: 'delete-credential', credential: name })
      if (!credential && !secretDeleted) throw notFound(`credential ${name}`, 'credential')
      return c.json(credential ?? { name }, 200)
    },
  )

async function getCredentialOr404(ledger: D1Database, name: string): Promise<Credential> {
  const credential = await findCredential(ledger, name)
  if (!credential) throw notFound(`credential ${name}`, 'credential')
  return credential
}

function withUser(
  { user, app }: CredentialSettings,
  known: Credential | undefined,
): Pick<HostCredential, 'user' | 'app'> {
  if (app) return { user: user ?? USER_OF_APP, app }
  if (user !== undefined) return { user, app: null }
  if (known) return { user: known.user, app: known.app }
  throw new Problem(
    400,
    'no-user',
    'a token needs the user name that the host expects with it',
    'Give it with --user: x-access-token at GitHub, oauth2 at GitLab, the account at Gitea and Forgejo',
  )
}

/** Throws a Problem when the secret is of the other kind: a token of an app, or a key as a token. */
function checkKind({ app }: HostCredential, secret: string | undefined): void {
  if (secret === undefined || secret.startsWith('-----BEGIN ') === (app !== null)) return
  throw app
    ? new Problem(
        400,
        'not-a-key',
        'a GitHub App needs its private key in PEM; the secret is not a private key',
        "Generate one in the app's settings: Private keys",
      )
    : new Problem(
        400,
        'not-a-token',
        'the secret is a private key; without --github-app it must be a token',
        'Name its app: --github-app ID --installation ID; an SSH key is an identity: git gate identity new NAME --from FILE',
      )
}

const Stored = z.object({ stored: z.literal(true) })

async function storeOnCompanion(env: Env, credential: CredentialName, secret: string | undefined) {
  if (secret === undefined)
    throw new Problem(
      400,
      'bad-request',
      'secret: this gate stores the secrets of credentials itself',
      'Give the token, or the private key of the GitHub App, on standard input',
    )
  const call = { service: 'store-credential', id: newId(), credential } as const
  await parseCompanionResponse(askCompanion(env, '-', call, { body: secret }), Stored)
}

/** A Worker cannot write its own secrets, so the operator sets the secret first. */
async function checkVariable(
  ledger: D1Database,
  { name }: HostCredential,
  secret: string | undefined,
): Promise<void> {
  const variable = credentialVariable(name)
  if (secret !== undefined)
    throw new Problem(
      409,
      'credential-is-a-secret',
      `at Cloudflare's edge the secret of a credential is a secret of the Worker (${variable}), which the gate cannot write`,
      `npx wrangler secret put ${variable} --env production\nthen the same command with --worker-secret`,
    )
  const same = (await listCredentials(ledger)).find(
    other => other.name !== name && credentialVariable(other.name) === variable,
  )
  if (same)
    throw new Problem(
      409,
      'exists',
      `${name} and ${same.name} would share the secret ${variable}`,
      'Choose another name',
    )
}
