import { z } from 'zod'
import { CredentialSecret, CredentialUser, GitHubApp, HeldCredential } from './credential.ts'
import { ForgeApi, ForgeKind } from './forge.ts'
import { GrantTerms } from './grant.ts'
import { hasPlainPatterns } from './known-hosts.ts'
import { ReadRefPattern } from './mirrored-refs.ts'
import { AgentName, CredentialName, IdentityName, RepositoryName } from './names.ts'
import { Finding, LinkStep, Outcome, PushReport, RefResult } from './outcome.ts'
import { RepositoryStatus } from './status.ts'

/** A point in time in the admin API's requests and responses, in ISO 8601. */
const Time = z.iso.datetime({ offset: true })

/** The body of every error response of the API: the problem, and how to fix it. */
export const ApiError = z
  .object({
    error: z.object({
      code: z.string().meta({ description: 'A word that does not change, for programs' }),
      message: z.string(),
      fix: z.string().meta({ description: 'What to do; empty when there is nothing to say' }),
    }),
  })
  .meta({ id: 'Error' })
export type ApiError = z.infer<typeof ApiError>

const settings = {
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
        "An SSH upstream's host keys as lines of a known-hosts file; ssh trusts no other. Empty: those that a known host publishes",
    }),
  credential: CredentialName.nullable()
    .default(null)
    .meta({ description: "The credential for an HTTPS upstream, and for the host's API" }),
  ca: z
    .string()
    .max(32_000)
    .regex(/^\s*$|^\s*-----BEGIN CERTIFICATE-----/, 'not certificates in PEM')
    .default('')
    .meta({ description: 'Certificates (PEM) of the authorities to trust over HTTPS; empty: the system’s' }),
  proxy: z
    .string()
    .max(1024)
    .refine(isProxyUrl, 'a proxy is http://HOST:PORT or https://HOST:PORT, without a user name')
    .default('')
    .meta({ description: 'The URL of the proxy for HTTPS; empty: none' }),
}
const hostApi = {
  forge: ForgeKind.nullable()
    .default(null)
    .meta({ description: 'The kind of the host, by its API; null: guessed for known hosts' }),
  api: ForgeApi.default('').meta({
    description: "The base URL of the host's API; empty: the usual one of the upstream's host",
    examples: ['https://git.example.com/api/v1'],
  }),
}

function isProxyUrl(url: string): boolean {
  const { protocol, username, password, pathname, search, hash } = URL.parse(url) ?? {}
  if (url === '') return true
  return /^https?:$/.test(protocol ?? '') && !username && !password && pathname === '/' && !search && !hash
}

export const RepositorySettings = z
  .strictObject({
    ...settings,
    ...hostApi,
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
    ...settings,
    ...hostApi,
    staleReads: z.boolean(),
    readRefs: z.array(z.string()),
    gitleaksConfig: z.string(),
    createdAt: Time,
  })
  .meta({ id: 'Repository' })
export type Repository = z.infer<typeof Repository>

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
    upstream: settings.upstream,
    credential: CredentialName,
    ...hostApi,
    ca: settings.ca,
    proxy: settings.proxy,
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
    stays: z
      .array(z.object({ upstream: z.string(), why: z.string() }))
      .meta({ description: 'The deploy keys that could not be removed at their hosts' }),
  })
  .meta({
    id: 'RemovedIdentity',
  })

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

export const Credential = HeldCredential.extend({ createdAt: Time, changedAt: Time }).meta({
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

export const NewAgent = z.strictObject({ name: AgentName }).meta({ id: 'NewAgent' })
export const Agent = z.object({ name: AgentName, createdAt: Time }).meta({ id: 'Agent' })
export type Agent = z.infer<typeof Agent>

export const AgentGrant = z
  .object({ agent: AgentName, repository: RepositoryName, terms: GrantTerms })
  .meta({ id: 'Grant' })
export type AgentGrant = z.infer<typeof AgentGrant>

export const NewToken = z
  .strictObject({
    agent: AgentName,
    label: z.string().max(200).default(''),
    expiresAt: Time.nullable().default(null),
  })
  .meta({ id: 'NewToken' })
const token = {
  id: z.string(),
  agent: AgentName,
  label: z.string(),
  createdAt: Time,
  expiresAt: Time.nullable(),
  revokedAt: Time.nullable(),
  lastUsedAt: Time.nullable(),
}
export const Token = z.object(token).meta({ id: 'Token' })
export type Token = z.infer<typeof Token>
export const MintedToken = z
  .object({ ...token, token: z.string().meta({ description: 'The token itself, this once' }) })
  .meta({ id: 'MintedToken' })
export type MintedToken = z.infer<typeof MintedToken>

export const NewAdminToken = z
  .strictObject({ label: z.string().min(1).max(200), expiresAt: Time.nullable().default(null) })
  .meta({ id: 'NewAdminToken' })
const { agent: _, ...adminToken } = token
export const AdminToken = z.object(adminToken).meta({ id: 'AdminToken' })
export type AdminToken = z.infer<typeof AdminToken>
export const MintedAdminToken = z
  .object({ ...adminToken, token: z.string() })
  .meta({ id: 'MintedAdminToken' })
export type MintedAdminToken = z.infer<typeof MintedAdminToken>

/** A push in a list. */
export const Push = z
  .object({
    id: z.string(),
    repository: z.string(),
    agent: z.string(),
    outcome: Outcome,
    startedAt: Time,
    ms: z.number(),
    refs: z.array(RefResult),
    findings: z.array(Finding.pick({ rule: true, path: true, line: true, commit: true, fingerprint: true })),
  })
  .meta({ id: 'Push' })
export type Push = z.infer<typeof Push>

/** The complete record of a push in the ledger. */
export const PushRecord = z
  .object({
    ...PushReport.shape,
    repository: z.string(),
    agent: z.string(),
    token: z.string().meta({ description: "The token's id" }),
    startedAt: Time,
    clientAddress: z.string(),
    clientVersion: z.string(),
  })
  .meta({ id: 'PushRecord' })
export type PushRecord = z.infer<typeof PushRecord>

export const Page = z.object({
  next: z
    .string()
    .nullable()
    .meta({ description: 'The cursor of the next page; large records make a page shorter than its limit' }),
})
export const PushPage = Page.extend({ pushes: z.array(Push) }).meta({ id: 'PushPage' })
export type PushPage = z.infer<typeof PushPage>

const Limit = z.coerce.number().int().min(1).max(2000).default(100)
export const PushQuery = z.object({
  repository: z.string().max(512).optional(),
  agent: z.string().max(64).optional(),
  outcome: Outcome.optional(),
  since: Time.optional(),
  until: Time.optional(),
  limit: Limit,
  cursor: z.string().max(64).optional(),
})
export type PushQuery = z.infer<typeof PushQuery>

export const NewException = z
  .strictObject({
    repository: RepositoryName,
    fingerprint: z
      .string()
      .min(1)
      .max(128)
      .regex(/^[^\r\n\0]+$/, 'a fingerprint is one line'),
    reason: z.string().min(1).max(2000),
    until: Time.nullable().default(null),
  })
  .meta({ id: 'NewException' })
export const GrantedException = z
  .object({
    id: z.string(),
    repository: RepositoryName,
    fingerprint: z.string(),
    reason: z.string(),
    grantedBy: z.string(),
    createdAt: Time,
    until: Time.nullable(),
    revokedAt: Time.nullable(),
  })
  .meta({ id: 'Exception' })
export type GrantedException = z.infer<typeof GrantedException>

/** A request to decline a finding. */
export const NewDecline = z
  .strictObject({
    repository: RepositoryName,
    fingerprint: NewException.shape.fingerprint,
    reason: z.string().max(2000).default('').meta({ description: 'What the agent is told at its next push' }),
  })
  .meta({ id: 'NewDecline' })
export const Declined = z
  .object({
    repository: RepositoryName,
    fingerprint: z.string(),
    reason: z.string(),
    declinedBy: z.string(),
    createdAt: Time,
  })
  .meta({ id: 'Declined' })
export type Declined = z.infer<typeof Declined>

/** A finding that waits for a decision, with the last push that the gate refused because of it. */
export const Pending = z
  .object({
    repository: RepositoryName,
    agent: z.string(),
    push: z.string().meta({ description: 'The id of the last refused push' }),
    pushes: z.number().int().meta({ description: 'The number of refused pushes' }),
    lastAt: Time,
    refs: z.array(z.string()).meta({ description: 'The refs of the last refused push' }),
    finding: Finding,
  })
  .meta({ id: 'PendingFinding' })
export type Pending = z.infer<typeof Pending>
export const PendingPage = Page.extend({ pending: z.array(Pending) }).meta({ id: 'PendingPage' })

/** One decision on several pending findings of a repository. */
export const NewDecision = z
  .strictObject({
    repository: RepositoryName,
    decision: z.enum(['allow', 'decline']),
    reason: NewException.shape.reason,
    until: Time.nullable().default(null),
    select: z
      .strictObject({
        fingerprints: z.array(NewException.shape.fingerprint).min(1).max(500).optional(),
        push: z.string().max(64).optional(),
        rule: z.string().max(200).optional(),
        path: z.string().max(512).optional().meta({ description: 'A glob over the paths of findings' }),
      })
      .meta({ description: 'The pending findings that fit every given part; without a part, all' }),
  })
  .meta({ id: 'NewDecision' })
export const Decided = z
  .object({ repository: RepositoryName, fingerprints: z.array(z.string()) })
  .meta({ id: 'Decided' })

export const ChangeQuery = z.object({
  limit: Limit,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
})
/** An operator's change, in the audit log. */
export const Change = z
  .object({
    id: z.number().int(),
    at: Time,
    by: z.string(),
    action: z.string().meta({ examples: ['repository.add', 'token.revoke'] }),
    subject: z.string(),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Change' })
export type Change = z.infer<typeof Change>
export const ChangePage = Page.extend({ changes: z.array(Change) }).meta({ id: 'ChangePage' })

/** The results of testing each link from the gate to an upstream. */
export const LinkCheck = z.object({ steps: z.array(LinkStep) }).meta({ id: 'LinkCheck' })

/** A repository's mirror and sessions, as its running companion reports them. */
export const LiveStatus = z
  .object({
    companion: z.enum(['running', 'stopped', 'unreachable']).meta({
      description: 'Stopped: the container does not run, and this request does not start it',
    }),
    status: RepositoryStatus.nullable().meta({ description: 'Null unless the companion is running' }),
  })
  .meta({ id: 'LiveStatus' })
export type LiveStatus = z.infer<typeof LiveStatus>

export const Status = z
  .object({
    operator: z.string().meta({ description: 'Who is asking' }),
    companion: z.enum(['container', 'local']),
    repositories: z.number().int(),
    agents: z.number().int(),
    tokens: z.number().int(),
    openPushes: z.number().int(),
  })
  .meta({ id: 'Status' })

/** The number of failed authentications of an address in a minute. */
export const Failures = z
  .object({ address: z.string(), at: Time, count: z.number().int() })
  .meta({ id: 'Failures' })
export type Failures = z.infer<typeof Failures>

export const FetchQuery = ChangeQuery.extend({
  repository: z.string().max(512).optional(),
  agent: z.string().max(64).optional(),
})
export type FetchQuery = z.infer<typeof FetchQuery>

export const Fetch = z
  .object({
    id: z.number().int(),
    at: Time,
    repository: z.string(),
    agent: z.string(),
    token: z.string(),
    clientAddress: z.string(),
    clientVersion: z.string(),
  })
  .meta({ id: 'Fetch' })
export type Fetch = z.infer<typeof Fetch>
/** A transfer of an LFS object. The gate grants a download in the answer to a batch. */
export const LfsTransfer = z
  .object({
    id: z.string(),
    at: Time,
    repository: z.string(),
    agent: z.string(),
    token: z.string(),
    operation: z.enum(['upload', 'download']),
    oid: z.string(),
    size: z.number(),
    outcome: z.enum(['accepted', 'refused', 'failed', 'granted', 'missing']),
    /** The first line of a refusal. */
    reason: z.string(),
    findings: z.array(Finding),
    exceptionsUsed: z.array(z.string()),
    ms: z.number(),
  })
  .meta({ id: 'LfsTransfer' })
export type LfsTransfer = z.infer<typeof LfsTransfer>
export const LfsTransferPage = Page.extend({ transfers: z.array(LfsTransfer) }).meta({
  id: 'LfsTransferPage',
})

export const LfsTransferQuery = z.object({
  repository: z.string().max(512).optional(),
  agent: z.string().max(64).optional(),
  oid: z.string().max(64).optional(),
  outcome: LfsTransfer.shape.outcome.optional(),
  limit: Limit,
  cursor: z.string().max(64).optional(),
})
export type LfsTransferQuery = z.infer<typeof LfsTransferQuery>

export const FetchPage = Page.extend({ fetches: z.array(Fetch) }).meta({ id: 'FetchPage' })

export const NewWebhook = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .refine(
        url => !URL.parse(url)?.username && !URL.parse(url)?.password,
        'no user name or password is sent along; what is sent is signed instead',
      ),
    events: z.enum(['pushes', 'exceptions']).default('pushes').meta({
      description: 'Every outcome of a push, or only pushes with a finding that asks for an exception',
    }),
  })
  .meta({ id: 'NewWebhook' })
export type NewWebhook = z.infer<typeof NewWebhook>
const webhook = { id: z.string(), url: z.string(), events: z.enum(['pushes', 'exceptions']), createdAt: Time }
export const Webhook = z.object(webhook).meta({ id: 'Webhook' })
export type Webhook = z.infer<typeof Webhook>
export const AddedWebhook = z
  .object({
    ...webhook,
    secret: z.string().meta({ description: 'It signs what is sent (standardwebhooks.com); shown this once' }),
  })
  .meta({ id: 'AddedWebhook' })
