import { z } from 'zod'
import { CredentialName } from './names.ts'

/** The API of github.com. A GitHub Enterprise Server has its API at https://HOST/api/v3. */
const GITHUB_API = 'https://api.github.com'

/** Returns whether a URL is https, or http on this machine: a secret never travels in clear over a network. */
export const isSafeForSecrets = (url: string): boolean => {
  const { protocol, hostname, username, password } = URL.parse(url) ?? {}
  if (username || password) return false
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname ?? ''))
}

/** Returns whether a URL's host name is an address of this machine. */
export const isLoopback = (hostname: string): boolean =>
  /^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/i.test(hostname)

/** The user name with which GitHub takes the tokens of an app. */
export const USER_OF_APP = 'x-access-token'

/** A GitHub App's installation. Its private key is the secret; GitHub exchanges it for tokens of an hour. */
export const GitHubApp = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9.]{1,40}$/, 'not an app id')
    .meta({ description: "The app's id, or its client id" }),
  installation: z
    .string()
    .regex(/^[0-9]{1,20}$/, 'not an installation id')
    .meta({ description: 'The id of its installation in the account that owns the repositories' }),
  apiUrl: z
    .url()
    .max(1024)
    .refine(isSafeForSecrets, 'must be https without a user name, or http on this machine')
    .transform(url => url.replace(/\/+$/, ''))
    .default(GITHUB_API)
    .meta({ description: "GitHub's API; of a GitHub Enterprise Server https://HOST/api/v3" }),
  workflows: z.boolean().default(false).meta({ description: 'May pushes change .github/workflows?' }),
})
export type GitHubApp = z.infer<typeof GitHubApp>

/** The user name that a host expects with a token. It travels in git's credential protocol, a line each. */
export const CredentialUser = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cf}\s:]+$/u, 'a user name has no space, colon or invisible character')

/**
 * A credential for a host over HTTPS, without its secret: a token, or the private key of a GitHub App. Passes
 * carry it; the companion has the secret.
 */
export const HostCredential = z.object({
  name: CredentialName,
  user: CredentialUser,
  /** Null: the secret is itself the token. */
  app: GitHubApp.nullable(),
})
export type HostCredential = z.infer<typeof HostCredential>

/** The secret of a credential, as it is set. Git's credential protocol ends a value at a line's end. */
export const CredentialSecret = z
  .string()
  .trim()
  .min(1)
  .max(32_000)
  .refine(
    text => /^[\x21-\x7e]+$/.test(text) || /^-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\x21-\x7e]+$/.test(text),
    'neither a token, which is one line of visible ASCII characters, nor a private key in PEM',
  )
