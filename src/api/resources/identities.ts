import { createRoute, z } from '@hono/zod-openapi'
import { companionKind, settingsOf } from '../../common/settings.ts'
import { askCompanion } from '../../companion/index.ts'
import {
  type DeployKeyTarget,
  Identity,
  NewIdentity,
  PublicKey,
  RemovedIdentity,
} from '../../contract/admin-api/identities.ts'
import { IdentityName, identityVariable } from '../../contract/names.ts'
import { addDeployKey } from '../../ledger/access/deploy-keys.ts'
import { addIdentity, findIdentity, listIdentities, removeIdentity } from '../../ledger/access/identities.ts'
import { listRepositories } from '../../ledger/access/repositories.ts'
import type { Operator } from '../../ledger/audit-log.ts'
import { newId } from '../../ledger/id.ts'
import { parseCompanionResponse } from '../companion-response.ts'
import { deleteSecret } from '../delete-secret.ts'
import { deployKeyTarget, registerAtHost, unregisterAtHosts } from '../deploy-keys.ts'
import { notFound, Problem } from '../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../router.ts'

const params = z.object({ name: z.string().max(64) })
const tags = ['identities']

export const identities = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/identities',
      tags,
      summary: 'List identities with their public keys',
      responses: jsonResponses(200, z.array(Identity), 'The identities, sorted by name'),
    }),
    async c => c.json(await listIdentities(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/identities',
      tags,
      summary: 'Create an identity, or import its private key',
      description: 'The companion stores the private key; no response contains it.',
      request: { body: jsonBody(NewIdentity) },
      responses: jsonResponses(
        201,
        Identity,
        'The identity; register its public key at the upstream as a deploy key',
      ),
    }),
    async c => {
      const { name, privateKey, publicKey, register } = c.req.valid('json')
      if (await findIdentity(c.env.LEDGER, name)) throw nameTaken(name)
      const target = register && (await deployKeyTarget(c.env.LEDGER, register))
      const key =
        companionKind(settingsOf(c.env)) === 'local'
          ? await createOnCompanion(c.env, name, privateKey, publicKey)
          : await registerPublicKey(c.env.LEDGER, name, privateKey, publicKey)
      if (!(await addIdentity(c.env.LEDGER, c.var.operator, name, key))) throw nameTaken(name)
      if (target) await registerOrRemove(c.env, c.var.operator, { name, key, target })
      return c.json(await getIdentityOr404(c.env.LEDGER, name), 201)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/identities/{name}',
      tags,
      summary: 'Get an identity',
      request: { params },
      responses: jsonResponses(200, Identity, 'The identity'),
    }),
    async c => c.json(await getIdentityOr404(c.env.LEDGER, c.req.valid('param').name), 200),
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/identities/{name}',
      tags,
      summary: 'Remove an identity that no repository uses, its key, and its deploy keys at hosts',
      request: { params: z.object({ name: IdentityName }) },
      responses: jsonResponses(200, RemovedIdentity, 'The removed identity'),
    }),
    async c => {
      const { name } = c.req.valid('param')
      const users = (await listRepositories(c.env.LEDGER)).filter(repository => repository.identity === name)
      if (users.length)
        throw new Problem(
          409,
          'in-use',
          `${name} is used by ${users.map(repository => repository.name).join(', ')}`,
          'Give these repositories another identity first: git gate repo set NAME --identity IDENTITY',
        )
      const identity = await findIdentity(c.env.LEDGER, name)
      const remainingDeployKeys = await unregisterAtHosts(c.env, name)
      await removeIdentity(c.env.LEDGER, c.var.operator, name)
      // The companion may still have the key of an identity that the ledger has lost.
      const keyDeleted = await deleteSecret(c.env, { service: 'delete-identity', identity: name })
      if (!identity && !keyDeleted) throw notFound(`identity ${name}`, 'identity')
      return c.json({ ...(identity ?? { name }), remainingDeployKeys }, 200)
    },
  )

async function getIdentityOr404(ledger: D1Database, name: string): Promise<Identity> {
  const identity = await findIdentity(ledger, name)
  if (!identity) throw notFound(`identity ${name}`, 'identity')
  return identity
}

/** Registers a new identity at a host. If the host refuses, the identity is removed again. */
async function registerOrRemove(
  env: Env,
  operator: Operator,
  { name, key, target }: { name: IdentityName; key: string; target: DeployKeyTarget },
): Promise<void> {
  try {
    await addDeployKey(env.LEDGER, operator, name, await registerAtHost(env, name, key, target))
  } catch (error) {
    await removeIdentity(env.LEDGER, operator, name)
    await deleteSecret(env, { service: 'delete-identity', identity: name })
    throw error
  }
}

const nameTaken = (name: string) =>
  new Problem(409, 'exists', `identity ${name} already exists`, 'Choose another name, or remove it first')

const CreatedKey = z.object({ publicKey: PublicKey })

/** Makes the companion generate the key, or store the given key. Returns the public key. */
async function createOnCompanion(
  env: Env,
  identity: IdentityName,
  privateKey: string | undefined,
  publicKey: string | undefined,
): Promise<string> {
  if (publicKey !== undefined)
    throw new Problem(
      400,
      'bad-request',
      'publicKey: this gate stores private keys itself',
      'Give the private key, or give neither and the gate generates a key',
    )
  const call = { service: 'store-identity', id: newId(), identity } as const
  const response = askCompanion(env, '-', call, { body: privateKey ?? '' })
  return (await parseCompanionResponse(response, CreatedKey)).publicKey
}

/** Registers a public key. A Worker cannot write its own secrets, so the operator sets the private key. */
async function registerPublicKey(
  ledger: D1Database,
  name: IdentityName,
  privateKey: string | undefined,
  publicKey: string | undefined,
): Promise<string> {
  const variable = identityVariable(name)
  if (publicKey === undefined || privateKey !== undefined)
    throw new Problem(
      409,
      'identity-is-a-secret',
      `at Cloudflare's edge a private key is a secret of the Worker (${variable}), which the gate cannot write`,
      [
        `ssh-keygen -q -t ed25519 -N '' -C git-gate-${name} -f ${name}.key`,
        `npx wrangler secret put ${variable} < ${name}.key`,
        `git gate identity new ${name} --public ${name}.key.pub`,
        `rm ${name}.key`,
      ].join('\n'),
    )
  const same = (await listIdentities(ledger)).find(identity => identityVariable(identity.name) === variable)
  if (same)
    throw new Problem(
      409,
      'exists',
      `${name} and ${same.name} would share the secret ${variable}`,
      'Choose another name',
    )
  return publicKey
}
