import { z } from 'zod'
import { askCompanion } from '../companion/index.ts'
import type { DeployKeyTarget, NewIdentity } from '../contract/admin-api/identities.ts'
import type { Upstream } from '../contract/companion-api/pass.ts'
import { type IdentityName, RepositoryName } from '../contract/names.ts'
import { type DeployKey, deployKeysOf } from '../ledger/access/deploy-keys.ts'
import { findRepository, toUpstream } from '../ledger/access/repositories.ts'
import { newId } from '../ledger/id.ts'
import { parseCompanionResponse } from './companion-response.ts'
import { notFound, Problem } from './problem.ts'

const ALTERNATIVE =
  'Where the host allows no deploy keys, use HTTPS: git gate repo add NAME --upstream https://… --credential NAME'

/** Returns the project at which an identity is to be registered: a repository of the gate, or an upstream. */
export async function deployKeyTarget(
  ledger: D1Database,
  register: NonNullable<NewIdentity['register']>,
): Promise<DeployKeyTarget> {
  if (!('repository' in register)) return register
  const repository = await findRepository(ledger, register.repository)
  if (!repository) throw notFound(`repository ${register.repository}`, 'repo')
  const { upstream, credential, forge, apiUrl, ca, proxy } = repository
  if (credential === null)
    throw new Problem(
      409,
      'no-credential',
      `${repository.name} has no credential for the API of its host`,
      `Set one: git gate repo set ${repository.name} --credential NAME`,
    )
  return { upstream, credential, forge, apiUrl, ca, proxy }
}

/** Has the host take an identity's public key as a deploy key with write access. Throws a Problem. */
export async function registerAtHost(
  env: Env,
  identity: IdentityName,
  publicKey: string,
  target: DeployKeyTarget,
): Promise<DeployKey> {
  const call = {
    service: 'add-deploy-key',
    id: newId(),
    repository: await upstreamOf(env.LEDGER, target),
    title: `git-gate ${identity}`,
    publicKey,
  } as const
  try {
    const response = askCompanion(env, NAME, call)
    return { target, key: (await parseCompanionResponse(response, z.object({ key: z.number() }))).key }
  } catch (error) {
    if (!(error instanceof Problem) || error.fix) throw error
    throw new Problem(error.status, error.code, error.message, ALTERNATIVE)
  }
}

/** Removes an identity's deploy keys at their hosts. Returns those that stay, and why. */
export async function unregisterAtHosts(
  env: Env,
  identity: IdentityName,
): Promise<{ upstream: string; reason: string }[]> {
  const remainingDeployKeys: { upstream: string; reason: string }[] = []
  for (const { target, key } of await deployKeysOf(env.LEDGER, identity))
    try {
      const repository = await upstreamOf(env.LEDGER, target)
      const response = askCompanion(env, NAME, { service: 'remove-deploy-key', id: newId(), repository, key })
      await parseCompanionResponse(response, z.object({ removed: z.literal(true) }))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      remainingDeployKeys.push({ upstream: target.upstream, reason: error.message })
    }
  return remainingDeployKeys
}

/** The name under which a companion acts for a project that may not be a repository of the gate. */
const NAME = RepositoryName.parse('deploy-key')

const upstreamOf = (ledger: D1Database, target: DeployKeyTarget): Promise<Upstream> =>
  toUpstream(ledger, {
    ...target,
    name: NAME,
    identity: null,
    knownHosts: '',
    staleReads: false,
    readRefs: [],
    gitleaksConfig: '',
  })
