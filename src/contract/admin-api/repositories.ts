import { z } from 'zod'
import { ForgeApiUrl, ForgeKind } from '../hosts/forge.ts'
import { WebUrl } from '../hosts/web-links.ts'
import { ReadRefPattern } from '../mirrored-refs.ts'
import { CredentialName, IdentityName, RepositoryName } from '../names.ts'
import { hasPlainPatterns } from '../ssh/known-hosts.ts'
import { Time } from './common.ts'

export const repositorySettings = {
  upstream: z
    .string()
    .max(1024)
    .meta({
      description: 'Where pushes are forwarded to, over SSH or HTTPS',
      examples: [
        'ssh://git@github.com/acme/app.git',
        'git@gitlab.com:acme/app.git',
        'https://github.com/acme/app.git',
      ],
    }),
  identity: IdentityName.nullable()
    .default(null)
    .meta({ description: 'The SSH key that the gate shows an SSH upstream' }),
  knownHosts: z
    .string()
    .max(64_000)
    .refine(hasPlainPatterns, 'a host pattern has at most 3 "*"')
    .default('')
    .meta({
      description:
        "An SSH upstream's host keys as lines of a known-hosts file; ssh trusts no other. Empty: those that a recognized host publishes",
    }),
  credential: CredentialName.nullable()
    .default(null)
    .meta({ description: "The credential for an HTTPS upstream, and for the host's API" }),
  ca: z
    .string()
    .max(32_000)
    .refine(areCertificates, 'not certificates in PEM')
    .default('')
    .meta({ description: 'Certificates (PEM) of the authorities to trust over HTTPS; empty: the system’s' }),
  proxy: z
    .string()
    .max(1024)
    .refine(isProxyUrl, 'a proxy is http://HOST:PORT or https://HOST:PORT, without a user name')
    .default('')
    .meta({ description: 'The URL of the proxy for HTTPS; empty: none' }),
}

export const hostApi = {
  forge: ForgeKind.nullable()
    .default(null)
    .meta({ description: 'The kind of the host, by its API; null: derived from a recognized host' }),
  apiUrl: ForgeApiUrl.default('').meta({
    description: "The base URL of the host's API; empty: the usual one of the upstream's host",
    examples: ['https://git.example.com/api/v1'],
  }),
}

const webUrl = WebUrl.default('').meta({
  description:
    "The URL of the repository's page at its host, for links; empty: derived from a recognized host",
  examples: ['https://git.example.com/acme/app'],
})

function isProxyUrl(url: string): boolean {
  const { protocol, username, password, pathname, search, hash } = URL.parse(url) ?? {}
  if (url === '') return true
  return /^https?:$/.test(protocol ?? '') && !username && !password && pathname === '/' && !search && !hash
}

/** The text between certificates is a comment. Blocks of other kinds, such as a private key, would reach every operator. */
function areCertificates(text: string): boolean {
  const rest = text.replaceAll(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g, '')
  return text.trim() === '' || (rest !== text && !rest.includes('-----'))
}

export const RepositorySettings = z
  .strictObject({
    ...repositorySettings,
    ...hostApi,
    webUrl,
    staleReads: z
      .boolean()
      .default(false)
      .meta({ description: 'Serve what the mirror has while the upstream cannot be reached?' }),
    readRefs: z
      .array(ReadRefPattern)
      .max(20)
      .default([])
      .meta({
        description: 'Refs that agents can read beside branches, tags and notes',
        examples: [['refs/pull/*/head'], ['refs/merge-requests/*/head']],
      }),
    gitleaksConfig: z
      .string()
      .max(64_000)
      .default('')
      .meta({ description: 'A gitleaks configuration (TOML) that extends the default one' }),
  })
  .meta({ id: 'RepositorySettings' })
export type RepositorySettings = z.infer<typeof RepositorySettings>

export const NewRepository = RepositorySettings.extend({ name: RepositoryName }).meta({ id: 'NewRepository' })
export type NewRepository = z.infer<typeof NewRepository>

export const Repository = z
  .object({
    name: RepositoryName,
    ...repositorySettings,
    ...hostApi,
    webUrl,
    staleReads: z.boolean(),
    readRefs: z.array(z.string()),
    gitleaksConfig: z.string(),
    createdAt: Time,
  })
  .meta({ id: 'Repository' })
export type Repository = z.infer<typeof Repository>
