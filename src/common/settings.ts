import { z } from 'zod'
import { AgentName } from '../contract/names.ts'

const count = (fallback: number) => {
  const error = 'must be a whole number above 0'
  return z.coerce.number({ error }).int(error).positive(error).default(fallback)
}
const seconds = count

const SILENCE = 'must be a whole number, 15 or more'

const Settings = z
  .object({
    /** Signs the passes that the companion asks for. */
    GATE_PASS_KEY: z.string().min(32),
    /** The first admin token; more are kept in the ledger. */
    GATE_ADMIN_TOKEN: z
      .string()
      .regex(/^[\x21-\x7e]{20,200}$/, 'must be 20 to 200 printable characters without spaces'),
    /** Where the companion is when there is no container to start. */
    GATE_COMPANION_URL: z.url().optional(),
    /** The one agent that the companion asks passes for, over `git://`; absent: it asks for none. */
    GATE_GIT_AGENT: AgentName.optional(),
    /** An open push that the companion does not know is settled after this long. */
    GATE_OPEN_PUSH_TIMEOUT_SECONDS: seconds(30),
    /** Of one token; of one address ten times as many. */
    GATE_REQUESTS_PER_MINUTE: count(3000),
    /** So many requests with credentials that do not hold may come from one address. */
    GATE_FAILURES_PER_MINUTE: count(100),
    /** Pushes and fetches stay on record so long. */
    GATE_RETENTION_DAYS: count(400),
    /** A companion that says nothing of a push for this long is given up; it says every 10 s that it is there. */
    GATE_COMPANION_SILENCE_SECONDS: z.coerce
      .number({ error: SILENCE })
      .int(SILENCE)
      .min(15, SILENCE)
      .default(30),
    /** A companion that has the whole of another request and does not begin its answer for this long is given up. */
    GATE_COMPANION_ANSWER_SECONDS: seconds(360),
    /** What pushes and fetches on record may take; beyond that the oldest are forgotten. */
    GATE_LEDGER_MAX_BYTES: count(2 ** 30),
    /** Does a proxy, or Cloudflare's edge, set CF-Connecting-IP? Otherwise a client could say any address of itself. */
    GATE_TRUSTED_PROXY: z.enum(['on', 'off'], { error: 'must be "on" or "off"' }).optional(),
    /** A request waits this long for its repository's container to start; then its client is told to come again. */
    GATE_START_SECONDS: seconds(20),
    /** A container that nobody asks for this long is stopped. */
    GATE_CONTAINER_IDLE_SECONDS: seconds(600),
    /** The console's own host name; a browser that opens the console under another one is sent there. */
    GATE_CONSOLE_HOST: z
      .string()
      .regex(/^[a-z0-9.-]{1,253}$/, 'must be a host name without a port, such as git-gate.localhost')
      .optional(),
    /** Cloudflare Access before /-/ lets operators in: the team's domain, such as acme.cloudflareaccess.com. */
    GATE_ACCESS_TEAM: z
      .string()
      .regex(/^[a-z0-9.-]+$/, 'must be a domain, such as acme.cloudflareaccess.com')
      .optional(),
    /** The audience tag of its application. */
    GATE_ACCESS_AUDIENCE: z.string().min(1).optional(),
  })
  .refine(env => (env.GATE_ACCESS_TEAM === undefined) === (env.GATE_ACCESS_AUDIENCE === undefined), {
    path: ['GATE_ACCESS_TEAM'],
    message: 'goes with GATE_ACCESS_AUDIENCE: give both, or neither',
  })
export type Settings = z.infer<typeof Settings>

const known = new WeakMap<object, Settings>()

/** The settings in an environment, or one line that says which is wrong and how. */
export function readSettings(env: object): { ok: true; settings: Settings } | { ok: false; problem: string } {
  const read = Settings.safeParse(env)
  if (read.success) return { ok: true, settings: read.data }
  return { ok: false, problem: read.error.issues.map(i => `${i.path.join('.')}: ${i.message}`).join('; ') }
}

/** The gate's settings from the Worker's environment. Throws on a bad one, naming it. */
export function settingsOf(env: object): Settings {
  const before = known.get(env)
  if (before) return before
  const read = readSettings(env)
  if (!read.ok) throw new Error(`settings: ${read.problem}`)
  known.set(env, read.settings)
  return read.settings
}

/** Is there a companion at a URL, or a container for each repository? */
export const companionKind = ({ GATE_COMPANION_URL }: Settings): 'local' | 'container' =>
  GATE_COMPANION_URL === undefined ? 'container' : 'local'

/** Is CF-Connecting-IP to be believed? Where there are containers, Cloudflare's edge has set it. */
export const hasTrustedProxy = (settings: Settings): boolean =>
  settings.GATE_TRUSTED_PROXY === undefined
    ? companionKind(settings) === 'container'
    : settings.GATE_TRUSTED_PROXY === 'on'
