import type { Upstream } from '../contract/companion-api/pass.ts'
import { credentialVariable, identityVariable } from '../contract/names.ts'

/** Port on which the companion listens in its container. */
export const CONTAINER_PORT = 9420

/**
 * Names of the Worker's variables that are settings of the companion. A secret's variable can end like one,
 * so the secrets' prefixes are excluded.
 */
const SETTING = /^GATE_(?!IDENTITY_|CREDENTIAL_)\w+_(SECONDS|SECOND|BYTES|SESSIONS)$/

/**
 * Time for the Worker to collect outcomes before a container stops and its disk is lost, in seconds. The
 * Worker asks at least once a minute (wrangler.toml, crons).
 */
const REPORT_SECONDS = 70

/** Time that a new container waits for the seed of its mirror, in seconds. */
const SEED_WAIT_SECONDS = 10

/** Environment of one repository's container. */
export interface ContainerEnvironment {
  readonly variables: Readonly<Record<string, string>>
  /**
   * Hash of the variables. It shows whether a running container has the same environment, without storing the
   * secrets.
   */
  readonly fingerprint: string
}

/**
 * Builds the container's environment. Of the Worker's secrets it includes only the pass key and those of
 * this repository's identity and credential, so no container holds a secret of another repository.
 */
export async function containerEnvironment(
  worker: object,
  { identity, credential }: Pick<Upstream, 'identity' | 'credential'>,
): Promise<ContainerEnvironment> {
  const wanted = new Set([
    'GATE_PASS_KEY',
    ...(identity === null ? [] : [identityVariable(identity)]),
    ...(credential === null ? [] : [credentialVariable(credential.name)]),
  ])
  const entries = Object.entries(worker)
    .filter(([name]) => wanted.has(name) || SETTING.test(name))
    // wrangler passes a number in wrangler.toml as a number.
    .map(([name, value]) => [name, String(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const variables = {
    GATE_SHUTDOWN_REPORT_SECONDS: String(REPORT_SECONDS),
    ...('MIRROR_SEEDS' in worker ? { GATE_SEED_WAIT_SECONDS: String(SEED_WAIT_SECONDS) } : {}),
    ...Object.fromEntries(entries),
    COMPANION_PORT: String(CONTAINER_PORT),
  }
  const bytes = new TextEncoder().encode(JSON.stringify(variables))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return { variables, fingerprint: Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('') }
}
