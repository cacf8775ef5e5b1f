import { z } from 'zod'
import { CredentialSecret, CredentialUser, GitHubApp, HostCredential } from '../credential.ts'
import { Time } from './common.ts'

/** A new credential, or the change of one. Without `user` and `app` an existing one keeps both. */
export const CredentialSettings = z
  .strictObject({
    user: CredentialUser.optional().meta({
      description: 'The user name that the host expects with the token; of a GitHub App x-access-token',
    }),
    app: GitHubApp.optional().meta({
      description: 'The GitHub App, where the secret is its private key; left out, the secret is a token',
    }),
    secret: CredentialSecret.optional().meta({
      description:
        "The token, or the app's private key in PEM; at Cloudflare's edge it is a secret of the Worker",
    }),
  })
  .meta({ id: 'CredentialSettings' })
export type CredentialSettings = z.infer<typeof CredentialSettings>

export const Credential = HostCredential.extend({ createdAt: Time, changedAt: Time }).meta({
  id: 'Credential',
})
export type Credential = z.infer<typeof Credential>

/** A removed credential. Only its name if the ledger had no row of it, just the companion a secret. */
export const RemovedCredential = Credential.partial({
  user: true,
  app: true,
  createdAt: true,
  changedAt: true,
}).meta({ id: 'RemovedCredential' })
