import { z } from 'zod'
import { CredentialName, IdentityName, RepositoryName } from '../names.ts'
import { Time } from './common.ts'
import { hostApi, repositorySettings } from './repositories.ts'

export const PublicKey = z
  .string()
  .trim()
  .max(8_000)
  .regex(
    /^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}( [^\r\n]*)?$/,
    'not the public half of an SSH key, as in a .pub file',
  )

/** The project of a host at which an identity is registered as a deploy key. */
export const DeployKeyTarget = z
  .strictObject({
    upstream: repositorySettings.upstream,
    credential: CredentialName,
    ...hostApi,
    ca: repositorySettings.ca,
    proxy: repositorySettings.proxy,
  })
  .meta({ id: 'DeployKeyTarget' })
export type DeployKeyTarget = z.infer<typeof DeployKeyTarget>

export const NewIdentity = z
  .strictObject({
    name: IdentityName,
    privateKey: z
      .string()
      .min(1)
      .max(64_000)
      .optional()
      .meta({ description: 'An OpenSSH private key without a passphrase; left out, the gate makes one' }),
    publicKey: PublicKey.optional().meta({
      description: "At Cloudflare's edge, where the private half is a secret of the Worker: its public half",
    }),
    register: z
      .union([z.strictObject({ repository: RepositoryName }), DeployKeyTarget])
      .optional()
      .meta({ description: 'Registers it at the host as a deploy key with write access' }),
  })
  .meta({ id: 'NewIdentity' })
export type NewIdentity = z.infer<typeof NewIdentity>

export const Identity = z
  .object({ name: IdentityName, publicKey: z.string(), createdAt: Time })
  .meta({ id: 'Identity' })
export type Identity = z.infer<typeof Identity>

/** A removed identity. Only its name if the ledger had no row of it, just the companion a key. */
export const RemovedIdentity = Identity.partial({ publicKey: true, createdAt: true })
  .extend({
    remainingDeployKeys: z
      .array(z.object({ upstream: z.string(), reason: z.string() }))
      .meta({ description: 'The deploy keys that could not be removed at their hosts' }),
  })
  .meta({
    id: 'RemovedIdentity',
  })
