import { z } from 'zod'
import { AgentName } from '../src/contract/names.ts'

const inSeconds = (fallback: number, min: number, max = 86_400) => {
  const error = `must be a number of seconds, from ${min} to ${max}`
  return z.coerce
    .number({ error })
    .min(min, error)
    .max(max, error)
    .default(fallback)
    .transform(value => value * 1000)
}
/** Parses seconds from 1 up into milliseconds. */
const secondsAsMs = (fallback: number, max?: number) => inSeconds(fallback, 1, max)
/** Parses seconds from 0 up into milliseconds; 0 turns the wait off. */
const secondsOrZero = (fallback: number) => inSeconds(fallback, 0)
const count = (fallback: number) => {
  const error = 'must be a whole number above 0'
  return z.coerce.number({ error }).int(error).positive(error).default(fallback)
}

const Address = z.string().transform((text, context) => {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) }
  context.addIssue('must be an address to listen on, such as 127.0.0.1:9418')
  return z.NEVER
})

/** The companion's settings. Times are given in seconds and held in milliseconds; sizes are bytes. */
const Settings = z
  .object({
    COMPANION_PORT: z.coerce.number().int().min(0).max(65_535).default(9420),
    GATE_HOST: z.string().default('127.0.0.1'),
    GATE_HOME: z.string().min(1),
    GATE_PASS_KEY: z.string().min(32, 'must be at least 32 characters of random text'),
    GATE_GITLEAKS: z.string().min(1).default('gitleaks'),
    GATE_COMMANDS_SECONDS: secondsAsMs(30),
    GATE_CLIENT_IDLE_SECONDS: secondsAsMs(90),
    GATE_PACK_START_SECONDS: secondsAsMs(120),
    GATE_RECEIVE_SECONDS: secondsAsMs(3600),
    GATE_MIN_RECEIVE_BYTES_PER_SECOND: count(1000),
    GATE_GIT_IDLE_SECONDS: secondsAsMs(60),
    GATE_READ_IDLE_SECONDS: secondsAsMs(60),
    GATE_SCAN_SECONDS: secondsAsMs(120),
    GATE_FORWARD_SECONDS: secondsAsMs(120),
    GATE_REFRESH_SECONDS: secondsAsMs(300),
    GATE_FETCH_FRESH_SECONDS: secondsOrZero(0),
    GATE_FIRST_FETCH_WAIT_SECONDS: secondsOrZero(20),
    /** A companion without mirrors waits this long for a seed. */
    GATE_SEED_WAIT_SECONDS: secondsOrZero(0),
    /**
     * Before it stops, the companion waits this long for the Worker to ask for outcomes. Needed where its
     * disk is deleted with it.
     */
    GATE_SHUTDOWN_REPORT_SECONDS: secondsOrZero(0),
    GATE_MAX_PUSH_BYTES: count(4 * 2 ** 30),
    GATE_MAX_BLOB_BYTES: count(200 * 2 ** 20),
    /** The disk space for responses to fetches that several clients share; 0 turns sharing off. */
    GATE_FETCH_CACHE_BYTES: z.coerce
      .number()
      .int()
      .min(0)
      .default(2 ** 30),
    /** The limit of one LFS object. */
    GATE_LFS_MAX_OBJECT_BYTES: count(4 * 2 ** 30),
    /** The limit of all LFS objects on disk. */
    GATE_LFS_STORE_BYTES: count(8 * 2 ** 30),
    /** The limit of the push journal on disk. */
    GATE_JOURNAL_MAX_BYTES: count(256 * 2 ** 20),
    /** The limit of the objects of refused pushes on disk, and how long they are kept. */
    GATE_HELD_BYTES: count(2 * 2 ** 30),
    GATE_HELD_SECONDS: secondsAsMs(259_200, 30 * 86_400),
    /** The minimum is 64 MiB because any git program needs some tens of megabytes. */
    GATE_GIT_MEMORY_BYTES: count(2 ** 30).refine(
      bytes => bytes >= 64 << 20,
      'must be 67108864 (64 MiB) or more',
    ),
    GATE_MAX_SESSIONS: count(256),
    GATE_MAX_AGENT_SESSIONS: count(64),
    GATE_GIT_LISTEN: z.preprocess(value => value || undefined, Address.optional()),
    GATE_GIT_AGENT: AgentName.optional(),
    GATE_MAX_ADDRESS_CONNECTIONS: count(64),
    GATE_WORKER_URL: z.url().optional(),
  })
  .refine(env => !env.GATE_GIT_LISTEN || (env.GATE_GIT_AGENT && env.GATE_WORKER_URL), {
    path: ['GATE_GIT_LISTEN'],
    message: 'needs GATE_GIT_AGENT, the agent it serves, and GATE_WORKER_URL, the gate that lets it in',
  })
  .transform(env => ({
    port: env.COMPANION_PORT,
    host: env.GATE_HOST,
    home: env.GATE_HOME,
    passKey: env.GATE_PASS_KEY,
    gitleaks: env.GATE_GITLEAKS,
    /** The timeout for a push's whole command list, and for a fetch's whole request. */
    commandsMs: env.GATE_COMMANDS_SECONDS,
    clientIdleMs: env.GATE_CLIENT_IDLE_SECONDS,
    /** The timeout between a push's command list and its pack. */
    packStartMs: env.GATE_PACK_START_SECONDS,
    /** The timeout for a push's whole pack. */
    receiveMs: env.GATE_RECEIVE_SECONDS,
    minReceiveRate: env.GATE_MIN_RECEIVE_BYTES_PER_SECOND,
    /** The timeout for a git that reads no pack bytes, or that has the whole pack and prints nothing. */
    gitIdleMs: env.GATE_GIT_IDLE_SECONDS,
    readIdleMs: env.GATE_READ_IDLE_SECONDS,
    /** The timeout for git's work on a whole pack, for each check, and for each question to upstream or the ledger. */
    checkMs: env.GATE_SCAN_SECONDS,
    forwardMs: env.GATE_FORWARD_SECONDS,
    refreshMs: env.GATE_REFRESH_SECONDS,
    fetchFreshMs: env.GATE_FETCH_FRESH_SECONDS,
    /** The wait for a mirror's first fetch, for a client whose protocol cannot show its progress. */
    firstFetchWaitMs: env.GATE_FIRST_FETCH_WAIT_SECONDS,
    seedWaitMs: env.GATE_SEED_WAIT_SECONDS,
    shutdownReportMs: env.GATE_SHUTDOWN_REPORT_SECONDS,
    maxPushBytes: env.GATE_MAX_PUSH_BYTES,
    maxBlobBytes: env.GATE_MAX_BLOB_BYTES,
    fetchCacheBytes: env.GATE_FETCH_CACHE_BYTES,
    maxLfsObjectBytes: env.GATE_LFS_MAX_OBJECT_BYTES,
    maxLfsStoreBytes: env.GATE_LFS_STORE_BYTES,
    maxJournalBytes: env.GATE_JOURNAL_MAX_BYTES,
    held: { maxBytes: env.GATE_HELD_BYTES, keepMs: env.GATE_HELD_SECONDS },
    /** The memory limit of each git process. */
    gitMemoryBytes: env.GATE_GIT_MEMORY_BYTES,
    maxSessions: env.GATE_MAX_SESSIONS,
    maxAgentSessions: env.GATE_MAX_AGENT_SESSIONS,
    /** Counted over `git://`, where the companion sees the client's address. */
    maxAddressConnections: env.GATE_MAX_ADDRESS_CONNECTIONS,
    /**
     * The listen address of `git://`, the agent it serves and the Worker's URL; undefined: `git://` is off.
     */
    git: gitSurface(env),
  }))

function gitSurface(env: {
  GATE_GIT_LISTEN?: z.infer<typeof Address> | undefined
  GATE_GIT_AGENT?: AgentName | undefined
  GATE_WORKER_URL?: string | undefined
}) {
  const { GATE_GIT_LISTEN: listen, GATE_GIT_AGENT: agent, GATE_WORKER_URL: worker } = env
  return listen && agent && worker ? { ...listen, agent, worker } : undefined
}
export type Settings = z.infer<typeof Settings>
export const SETTING_NAMES: readonly string[] = Object.keys(Settings.in.shape)

/**
 * Parses the settings from the environment, or returns one line that names each wrong setting and its fix.
 */
export function readSettings(
  env: NodeJS.ProcessEnv,
): { ok: true; settings: Settings } | { ok: false; problem: string } {
  const read = Settings.safeParse(env)
  if (read.success) return { ok: true, settings: read.data }
  const problem = read.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`).join('; ')
  return { ok: false, problem }
}
