import { z } from 'zod'
import { HostCredential } from '../credential.ts'
import { GrantTerms } from '../grant.ts'
import { ForgeKind } from '../hosts/forge.ts'
import { LfsOperation, LockPath, Oid } from '../lfs.ts'
import { MailServer } from '../mail.ts'
import { ReadRefPattern } from '../mirrored-refs.ts'
import { AgentName, CredentialName, IdentityName, RepositoryName } from '../names.ts'
import { DiffPart, MAX_REFS, UpdatedRef } from './push-diff.ts'
import { Permission } from './push-event.ts'
import { readClaims, signClaims } from './signed-claims.ts'

/** The version of the protocol between Worker and companion. Both sides reject any other version. */
export const PROTOCOL = 2

/** The request header that carries the pass. */
export const PASS_HEADER = 'gate-pass'

/** The lifetime of a pass, in seconds. Its request must begin within it. */
export const PASS_SECONDS = 60

/** The response header with a bundle's name. Bundles of the same refs have the same name. */
export const BUNDLE_HEADER = 'gate-bundle'

/** The response header with the SHA-256 of a held push, in hex. */
export const HELD_HASH_HEADER = 'gate-held-hash'

export const Upstream = z.object({
  name: RepositoryName,
  url: z.string(),
  /** The SSH key of an SSH upstream; null over HTTPS. */
  identity: IdentityName.nullable(),
  /** The host keys of an SSH upstream; empty over HTTPS. */
  knownHosts: z.string(),
  /** The credential at the host over HTTPS: for an HTTPS upstream, and for the host's API. */
  credential: HostCredential.nullable(),
  /** Certificates (PEM) of the authorities to trust over HTTPS; empty: those of the companion's system. */
  ca: z.string(),
  /** The URL of the proxy for HTTPS; empty: none. */
  proxy: z.string(),
  /** The kind of the host, and the base URL of its API. Null and empty: as the URL implies (forge.ts). */
  forge: ForgeKind.nullable().default(null),
  apiUrl: z.string().default(''),
  /** True if the companion serves the mirror while the upstream is unreachable. */
  staleReads: z.boolean(),
  /** The refs that the mirror has beside branches, tags and notes. */
  readRefs: z.array(ReadRefPattern).default([]),
})
export type Upstream = z.infer<typeof Upstream>

/** An operator's permission for a finding to pass. `until` is in Unix milliseconds; null: without expiry. */
export const Exception = z.object({ id: z.string(), fingerprint: z.string(), until: z.number().nullable() })
export type Exception = z.infer<typeof Exception>

/** An operator's decision that a finding must not pass, with the reason for the agent. */
export const Decline = z.object({ fingerprint: z.string(), reason: z.string() })
export type Decline = z.infer<typeof Decline>

const base = { v: z.literal(PROTOCOL), id: z.string().min(1).max(64), exp: z.number().int() }
const git = { ...base, repository: Upstream, agent: AgentName, terms: GrantTerms }
const decisions = {
  exceptions: z.array(Exception),
  declines: z.array(Decline).optional(),
  /** The operator's gitleaks configuration, which extends the default. Empty: the default only. */
  gitleaksConfig: z.string(),
}
const object = { oid: Oid, size: z.number().int().min(0) }

/** A pass: the Worker's signed permission for a single request to the companion. */
export const Pass = z.discriminatedUnion('service', [
  z.object({ service: z.literal('advertise-upload-pack'), ...git }),
  z.object({ service: z.literal('advertise-receive-pack'), ...git }),
  z.object({ service: z.literal('git-upload-pack'), ...git }),
  z.object({
    service: z.literal('git-receive-pack'),
    ...git,
    ...decisions,
    /** The push is the replay of an earlier push that has this many approvals. */
    approved: z.object({ push: z.string(), approvals: z.number().int() }).optional(),
  }),
  /** Say which of the LFS objects in the body upstream has. */
  z.object({ service: z.literal('lfs-batch'), ...git, ...decisions, operation: LfsOperation }),
  /** Return an LFS object. */
  z.object({ service: z.literal('lfs-download'), ...git, ...object }),
  /** Receive an LFS object, scan it, and forward it to upstream. */
  z.object({ service: z.literal('lfs-upload'), ...git, ...decisions, ...object }),
  /** Return the result of an upload that was still open at its answer. */
  z.object({ service: z.literal('lfs-verify'), ...git, ...object }),
  /** Send a request of the locking API to upstream. */
  z.object({
    service: z.literal('lfs-locks'),
    ...git,
    method: z.enum(['GET', 'POST']),
    path: LockPath,
    /** The query with its question mark, or empty. */
    query: z.string().max(2_000),
  }),
  /** Send an agent's call to the API of the upstream's host, if the gate knows the call and the grant allows it. */
  z.object({
    service: z.literal('host-call'),
    ...git,
    ...decisions,
    method: z.enum(['GET', 'POST']),
    /** From the host's API on: `/api/v3/repos/acme/app/pulls`. */
    path: z.string().max(2_000),
    /** The query with its question mark, or empty. */
    query: z.string().max(2_000),
    accept: z.string().max(1_000),
  }),
  /** Return the report of a push. Waits `wait` seconds at most for the push to end. */
  z.object({
    service: z.literal('push-report'),
    ...base,
    push: z.string(),
    wait: z.number().min(0).max(25),
  }),
  /** Deliver the permission that a checked push waits for. */
  z.object({ service: z.literal('permit-push'), ...base, push: z.string(), permission: Permission }),
  /**
   * Find the outcome of a push whose record the companion may have lost: in the record, or else from the upstream's
   * refs.
   */
  z.object({ service: z.literal('recover-outcome'), ...base, push: z.string(), repository: Upstream }),
  /** Let the objects of a held push give way to others: its approval was rejected. */
  z.object({ service: z.literal('release-held-push'), ...base, push: z.string() }),
  /** Return the commands and the pack of a held push; without `isSent` say only whether it is held. */
  z.object({ service: z.literal('held-push'), ...base, push: z.string(), isSent: z.boolean() }),
  /** Hold the push in the body again, which has this SHA-256 (hex). */
  z.object({
    service: z.literal('restore-held-push'),
    ...base,
    /** With it a container that has stopped is started. */
    repository: Upstream,
    push: z.string(),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  /** Generate an identity, or store the private key in the body. The response has the public key. */
  z.object({ service: z.literal('store-identity'), ...base, identity: IdentityName }),
  /** Delete an identity's private key from the disk. The response says whether it existed. */
  z.object({ service: z.literal('delete-identity'), ...base, identity: IdentityName }),
  /** Register a public key at the host as a deploy key of the project. The response has its id there. */
  z.object({
    service: z.literal('add-deploy-key'),
    ...base,
    repository: Upstream,
    title: z.string().max(200),
    publicKey: z.string().max(8_000),
  }),
  /** Remove a deploy key from the project at the host. */
  z.object({
    service: z.literal('remove-deploy-key'),
    ...base,
    repository: Upstream,
    key: z.number().int(),
  }),
  /** Store the secret of a credential, which is the body. */
  z.object({ service: z.literal('store-credential'), ...base, credential: CredentialName }),
  /** Delete a credential's secret from the disk. The response says whether it existed. */
  z.object({ service: z.literal('delete-credential'), ...base, credential: CredentialName }),
  /** Send the e-mail in the body. The response says why the server does not have it. */
  z.object({
    service: z.literal('send-mail'),
    ...base,
    server: MailServer,
    credential: HostCredential.nullable(),
  }),
  /** Validate the gitleaks configuration in the body, for `repository`. */
  z.object({ service: z.literal('check-config'), ...base, repository: Upstream }),
  /** Test each link to the upstream. */
  z.object({ service: z.literal('check-connection'), ...base, repository: Upstream }),
  /** Return mirrors, sessions and counts: of one repository, or of all repositories in use. */
  z.object({ service: z.literal('status'), ...base, of: Upstream.optional() }),
  /** Return the commits and the diff of a push, from the mirror or from the kept objects of a refused push. */
  z.object({
    service: z.literal('push-diff'),
    ...base,
    push: z.string(),
    repository: Upstream,
    refs: z.array(UpdatedRef).max(MAX_REFS),
    part: DiffPart,
  }),
  /** Return a bundle of the mirror, unless its name is `kept`, which R2 has already. */
  z.object({ service: z.literal('bundle'), ...base, repository: Upstream, kept: z.string() }),
  /** Initialize an empty mirror from the seed in the body. `isKept` is false if R2 has no seed. */
  z.object({ service: z.literal('mirror-seed'), ...base, repository: Upstream, isKept: z.boolean() }),
])
export type Pass = z.infer<typeof Pass>
export type PassFor<S extends Pass['service']> = Extract<Pass, { service: S }>

/** The companion's route for each service. A pass is valid on the route of its service only. */
export const ROUTES: Readonly<Record<Pass['service'], { method: 'GET' | 'POST'; path: string }>> = {
  'advertise-upload-pack': { method: 'GET', path: '/info/refs' },
  'advertise-receive-pack': { method: 'GET', path: '/info/refs' },
  'git-upload-pack': { method: 'POST', path: '/git-upload-pack' },
  'git-receive-pack': { method: 'POST', path: '/git-receive-pack' },
  'lfs-batch': { method: 'POST', path: '/lfs/batch' },
  'lfs-download': { method: 'GET', path: '/lfs/object' },
  'lfs-upload': { method: 'POST', path: '/lfs/object' },
  'lfs-verify': { method: 'POST', path: '/lfs/verify' },
  'lfs-locks': { method: 'POST', path: '/lfs/locks' },
  'host-call': { method: 'POST', path: '/host-call' },
  'push-report': { method: 'GET', path: '/push/report' },
  'permit-push': { method: 'POST', path: '/push/permission' },
  'release-held-push': { method: 'POST', path: '/held/release' },
  'held-push': { method: 'GET', path: '/held' },
  'restore-held-push': { method: 'POST', path: '/held' },
  'recover-outcome': { method: 'POST', path: '/push/outcome' },
  'store-identity': { method: 'POST', path: '/identity' },
  'delete-identity': { method: 'POST', path: '/identity/delete' },
  'add-deploy-key': { method: 'POST', path: '/deploy-key' },
  'remove-deploy-key': { method: 'POST', path: '/deploy-key/remove' },
  'store-credential': { method: 'POST', path: '/credential' },
  'delete-credential': { method: 'POST', path: '/credential/delete' },
  'send-mail': { method: 'POST', path: '/mail' },
  'check-config': { method: 'POST', path: '/config' },
  'check-connection': { method: 'GET', path: '/connection' },
  'push-diff': { method: 'GET', path: '/push/diff' },
  status: { method: 'GET', path: '/status' },
  bundle: { method: 'GET', path: '/bundle' },
  'mirror-seed': { method: 'POST', path: '/mirror-seed' },
}

export const signPass = (pass: Pass, key: string): Promise<string> => signClaims(pass, key)

/**
 * Verifies and parses a pass. Returns why it is invalid: forged, altered, expired, or of another protocol
 * version.
 */
export async function readPass(
  text: string,
  key: string,
  nowSeconds: number,
): Promise<{ ok: true; pass: Pass } | { ok: false; reason: string }> {
  const read = await readClaims(text, key, nowSeconds, Pass, PROTOCOL)
  return read.ok ? { ok: true, pass: read.claims } : read
}
