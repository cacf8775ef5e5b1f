import { z } from 'zod'
import { GrantTerms } from './grant.ts'
import { AgentName, IdentityName, RepositoryName } from './names.ts'
import { MAX_REFS, UpdatedRef } from './push-diff.ts'
import { Permission } from './push-event.ts'
import { readClaims, signClaims } from './signed-claims.ts'

/** The version of what Worker and companion say to each other; both sides refuse another one. */
export const PROTOCOL = 2

/** The request header that carries the pass. */
export const PASS_HEADER = 'gate-pass'

/** How long a pass may be used for its one request to begin, in seconds. */
export const PASS_SECONDS = 60

/** The answer's header that names a bundle: the same name, the same refs. */
export const BUNDLE_HEADER = 'gate-bundle'

export const Upstream = z.object({
  name: RepositoryName,
  url: z.string(),
  identity: IdentityName,
  knownHosts: z.string(),
  /** Serve what the mirror has when the upstream cannot be reached? */
  staleReads: z.boolean(),
})
export type Upstream = z.infer<typeof Upstream>

/** An operator's permission for one finding to pass. */
export const Exception = z.object({ id: z.string(), fingerprint: z.string(), until: z.number().nullable() })
export type Exception = z.infer<typeof Exception>

/** An operator's word on a finding that is not to pass. */
export const Decline = z.object({ fingerprint: z.string(), reason: z.string() })
export type Decline = z.infer<typeof Decline>

const base = { v: z.literal(PROTOCOL), id: z.string().min(1).max(64), exp: z.number().int() }
const git = { ...base, repository: Upstream, agent: AgentName, terms: GrantTerms }

/** What the Worker lets its bearer ask of the companion, once. */
export const Pass = z.discriminatedUnion('service', [
  z.object({ service: z.literal('advertise-upload-pack'), ...git }),
  z.object({ service: z.literal('advertise-receive-pack'), ...git }),
  z.object({ service: z.literal('git-upload-pack'), ...git }),
  z.object({
    service: z.literal('git-receive-pack'),
    ...git,
    exceptions: z.array(Exception),
    declines: z.array(Decline).optional(),
    /** The operator's gitleaks configuration for this repository; it extends the default. Empty: the default alone. */
    gitleaksConfig: z.string(),
  }),
  /** Ask what became of a push, by its id; its end is waited for, `wait` seconds at most. */
  z.object({
    service: z.literal('push-report'),
    ...base,
    push: z.string(),
    wait: z.number().min(0).max(25),
  }),
  /** Answer a push that has been checked and asks whether it may be forwarded. */
  z.object({ service: z.literal('permit-push'), ...base, push: z.string(), permission: Permission }),
  /** Settle a push that the companion may have lost its record of: by the record, or else by asking the upstream. */
  z.object({ service: z.literal('settle-push'), ...base, push: z.string(), repository: Upstream }),
  /** Make an identity, or take the one in the body; answers with its public half. */
  z.object({ service: z.literal('identity'), ...base, identity: IdentityName }),
  /** Take an identity's private half off the disk; answers whether it was there. */
  z.object({ service: z.literal('forget-identity'), ...base, identity: IdentityName }),
  /** Try an operator's gitleaks configuration, which is the body; `repository` is the one it is for. */
  z.object({ service: z.literal('check-config'), ...base, repository: Upstream }),
  /** Try the chain to the upstream. */
  z.object({ service: z.literal('check-link'), ...base, repository: Upstream }),
  /** Tell of mirrors, sessions and counts: of one repository, or of all that were asked for. */
  z.object({ service: z.literal('status'), ...base, of: Upstream.optional() }),
  /** Show what a push brought to its refs, from the mirror alone. */
  z.object({
    service: z.literal('introduced'),
    ...base,
    repository: Upstream,
    refs: z.array(UpdatedRef).max(MAX_REFS),
  }),
  /** Give a bundle of the mirror, unless it is the one that is `kept`, by the name it was given with. */
  z.object({ service: z.literal('bundle'), ...base, repository: Upstream, kept: z.string() }),
  /** Begin an empty mirror with the bundle that is the body; `isKept` is false where there is none. */
  z.object({ service: z.literal('mirror-seed'), ...base, repository: Upstream, isKept: z.boolean() }),
])
export type Pass = z.infer<typeof Pass>
export type PassFor<S extends Pass['service']> = Extract<Pass, { service: S }>

/** Where each service is asked for; a pass opens no other. */
export const ROUTES: Readonly<Record<Pass['service'], { method: 'GET' | 'POST'; path: string }>> = {
  'advertise-upload-pack': { method: 'GET', path: '/info/refs' },
  'advertise-receive-pack': { method: 'GET', path: '/info/refs' },
  'git-upload-pack': { method: 'POST', path: '/git-upload-pack' },
  'git-receive-pack': { method: 'POST', path: '/git-receive-pack' },
  'push-report': { method: 'GET', path: '/push' },
  'permit-push': { method: 'POST', path: '/push/permission' },
  'settle-push': { method: 'POST', path: '/settle' },
  identity: { method: 'POST', path: '/identity' },
  'forget-identity': { method: 'POST', path: '/identity/forget' },
  'check-config': { method: 'POST', path: '/config' },
  'check-link': { method: 'GET', path: '/link' },
  introduced: { method: 'GET', path: '/introduced' },
  status: { method: 'GET', path: '/status' },
  bundle: { method: 'GET', path: '/bundle' },
  'mirror-seed': { method: 'POST', path: '/mirror-seed' },
}

/** Signs a pass. */
export const signPass = (pass: Pass, key: string): Promise<string> => signClaims(pass, key)

/** The pass in `text`, or why it is none: forged, altered, expired, or of another protocol version. */
export async function readPass(
  text: string,
  key: string,
  nowSeconds: number,
): Promise<{ ok: true; pass: Pass } | { ok: false; why: string }> {
  const read = await readClaims(text, key, nowSeconds, Pass, PROTOCOL)
  return read.ok ? { ok: true, pass: read.claims } : read
}
