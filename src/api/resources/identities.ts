import { createRoute, z } from '@hono/zod-openapi'
import { companionKind, settingsOf } from '../../common/settings.ts'
import { askCompanion } from '../../companion/index.ts'
import { Identity, NewIdentity, PublicKey, RemovedIdentity } from '../../contract/api.ts'
import { IdentityName, identityVariable } from '../../contract/names.ts'
import { addIdentity, findIdentity, listIdentities, removeIdentity } from '../../ledger/access/identities.ts'
import { listRepositories } from '../../ledger/access/repositories.ts'
import { newId } from '../../ledger/id.ts'
import { companionAnswer } from '../companion-response.ts'
import { notFound, Problem } from '../problem.ts'
import { answers, room, takes } from '../router.ts'

const params = z.object({ name: z.string().max(64) })
const tags = ['identities']

export const identities = room()
  .openapi(
    createRoute({
      method: 'get',
      path: '/identities',
      tags,
      summary: 'Every identity, by its public half',
      responses: answers(200, z.array(Identity), 'The identities by name'),
    }),
    async c => c.json(await listIdentities(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/identities',
      tags,
      summary: 'Make an identity, or take one in',
      description: 'The private half goes to the companion and cannot be read again.',
      request: { body: takes(NewIdentity) },
      responses: answers(201, Identity, 'Its public half, to register with the upstream as a deploy key'),
    }),
    async c => {
      const { name, privateKey, publicKey } = c.req.valid('json')
      if (await findIdentity(c.env.LEDGER, name)) throw taken(name)
      const made =
        companionKind(settingsOf(c.env)) === 'local'
          ? await atTheCompanion(c.env, name, privateKey, publicKey)
          : await atTheEdge(c.env.LEDGER, name, privateKey, publicKey)
      if (!(await addIdentity(c.env.LEDGER, c.var.operator, name, made))) throw taken(name)
      return c.json(await existing(c.env.LEDGER, name), 201)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/identities/{name}',
      tags,
      summary: 'One identity',
      request: { params },
      responses: answers(200, Identity, 'The identity'),
    }),
    async c => c.json(await existing(c.env.LEDGER, c.req.valid('param').name), 200),
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/identities/{name}',
      tags,
      summary: 'Forget an identity that no repository uses, and delete its key',
      request: { params: z.object({ name: IdentityName }) },
      responses: answers(200, RemovedIdentity, 'The identity as it was'),
    }),
    async c => {
      const { name } = c.req.valid('param')
      const users = (await listRepositories(c.env.LEDGER)).filter(each => each.identity === name)
      if (users.length)
        throw new Problem(
          409,
          'in-use',
          `${name} is used by ${users.map(each => each.name).join(', ')}`,
          'Give these repositories another identity first: git gate repo set',
        )
      const identity = await findIdentity(c.env.LEDGER, name)
      await removeIdentity(c.env.LEDGER, c.var.operator, name)
      // Also where the ledger has none: the key of one that was removed before may be left.
      const isLeft = await forgetAtTheCompanion(c.env, name)
      if (!identity && !isLeft) throw notFound(`identity ${name}`, 'identity')
      return c.json(identity ?? { name }, 200)
    },
  )

async function existing(ledger: D1Database, name: string): Promise<Identity> {
  const identity = await findIdentity(ledger, name)
  if (!identity) throw notFound(`identity ${name}`, 'identity')
  return identity
}

const taken = (name: string) =>
  new Problem(
    409,
    'exists',
    `there is an identity ${name} already`,
    'Choose another name, or remove it first',
  )

const Made = z.object({ publicKey: PublicKey })

/** Lets the companion make the key, or keep the one given. */
async function atTheCompanion(
  env: Env,
  identity: IdentityName,
  privateKey: string | undefined,
  publicKey: string | undefined,
): Promise<string> {
  if (publicKey !== undefined)
    throw new Problem(
      400,
      'bad-request',
      'publicKey: this gate keeps identities itself',
      'Give the private half, or leave both out and the gate makes a key',
    )
  const ask = { service: 'identity', id: newId(), identity } as const
  const answer = askCompanion(env, '-', ask, { body: privateKey ?? '' })
  return (await companionAnswer(answer, Made)).publicKey
}

const Forgotten = z.object({ removed: z.boolean() })

/** Deletes the key that the companion keeps; at the edge it is the operator's own secret. */
async function forgetAtTheCompanion(env: Env, identity: IdentityName): Promise<boolean> {
  if (companionKind(settingsOf(env)) !== 'local') return false
  const answer = askCompanion(env, '-', { service: 'forget-identity', id: newId(), identity })
  try {
    return (await companionAnswer(answer, Forgotten)).removed
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw new Problem(
      502,
      error.code,
      `${identity} is no identity any more, but its key was not deleted: ${error.message}`,
      `Once the companion answers: git gate identity remove ${identity}`,
    )
  }
}

/** A Worker cannot write its own secrets: the operator sets one, and only its public half is registered. */
async function atTheEdge(
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
      `here an identity is a secret of the Worker (${variable}), which the gate cannot write itself`,
      [
        `ssh-keygen -q -t ed25519 -N '' -C git-gate-${name} -f ${name}.key`,
        `npx wrangler secret put ${variable} < ${name}.key`,
        `git gate identity new ${name} --public ${name}.key.pub`,
        `rm ${name}.key`,
      ].join('\n'),
    )
  const same = (await listIdentities(ledger)).find(each => identityVariable(each.name) === variable)
  if (same)
    throw new Problem(
      409,
      'exists',
      `${name} and ${same.name} would be the same secret, ${variable}`,
      'Choose another name',
    )
  return publicKey
}
