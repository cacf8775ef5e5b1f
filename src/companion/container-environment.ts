import { type IdentityName, identityVariable } from '../contract/names.ts'

/** Where the companion listens in its container. */
export const CONTAINER_PORT = 9420

/** Variables of the Worker that are the companion's settings. An identity may have such a name, and is none. */
const SETTING = /^GATE_(?!IDENTITY_)\w+_(SECONDS|SECOND|BYTES|SESSIONS)$/

/** The Worker asks for outcomes once a minute at the latest (wrangler.toml, crons), and a container's disk goes with it. */
const REPORT_SECONDS = 70

/** A new container waits so long to be given the bundle that is kept of its repository. */
const SEED_WAIT_SECONDS = 10

/** What one repository's container is started with. */
export interface ContainerEnvironment {
  readonly variables: Readonly<Record<string, string>>
  /** Tells whether a running container was started with the same, without keeping the secrets themselves. */
  readonly fingerprint: string
}

/**
 * The container's environment: of the Worker's secrets only the pass key and the key of this repository's identity,
 * so that the container of one repository never holds the key of another.
 */
export async function containerEnvironment(
  worker: object,
  identity: IdentityName,
): Promise<ContainerEnvironment> {
  const wanted = new Set(['GATE_PASS_KEY', identityVariable(identity)])
  const entries = Object.entries(worker)
    .filter(([name]) => wanted.has(name) || SETTING.test(name))
    // A number in wrangler.toml comes as one.
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
