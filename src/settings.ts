import { z } from 'zod'

const count = (fallback: number) => z.coerce.number().int().positive().default(fallback)
const seconds = count

const Settings = z.object({
  /** Signs the passes that the companion asks for. */
  GATE_PASS_KEY: z.string().min(32),
  /** The first admin token; more are kept in the ledger. */
  GATE_ADMIN_TOKEN: z.string().min(20),
  /** Where the companion is when there is no container to start. */
  GATE_COMPANION_URL: z.url().optional(),
  /** An open push that the companion does not know is settled after this long. */
  GATE_LOST_PUSH_SECONDS: seconds(30),
  /** Of one token; of one address ten times as many. */
  GATE_REQUESTS_PER_MINUTE: count(3000),
  /** So many requests with credentials that do not hold may come from one address. */
  GATE_FAILURES_PER_MINUTE: count(100),
  /** Pushes and fetches stay on record so long. */
  GATE_RETENTION_DAYS: count(400),
  /** A request waits this long for its repository's container to start; then its client is told to come again. */
  GATE_START_SECONDS: seconds(20),
  /** A container that nobody asks for this long is stopped. */
  GATE_CONTAINER_IDLE_SECONDS: seconds(600),
})
export type Settings = z.infer<typeof Settings>

const read = new WeakMap<object, Settings>()

/** The gate's settings from the Worker's environment. Throws on a bad one, naming it. */
export function settingsOf(env: object): Settings {
  const known = read.get(env)
  if (known) return known
  const parsed = Settings.safeParse(env)
  if (!parsed.success)
    throw new Error(
      `settings: ${parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`,
    )
  read.set(env, parsed.data)
  return parsed.data
}
