import { z } from 'zod'
import { isSafeForSecrets } from '../contract/credential.ts'
import { EmailAddress } from '../contract/mail.ts'
import { AgentName, CredentialName } from '../contract/names.ts'
import { MailServerUrl } from './mail-server.ts'

const count = (fallback: number) => {
  const error = 'must be a whole number above 0'
  return z.coerce.number({ error }).int(error).positive(error).default(fallback)
}
const seconds = count

const SILENCE = 'must be a whole number, 15 or more'

const Settings = z
  .object({
    /** The HMAC key of the passes, which Worker and companion share. */
    GATE_PASS_KEY: z.string().min(32),
    /** The first admin token. The ledger keeps all further admin tokens. */
    GATE_ADMIN_TOKEN: z
      .string()
      .regex(/^[\x21-\x7e]{20,200}$/, 'must be 20 to 200 printable characters without spaces'),
    /** The URL of a local companion. Absent: each repository has a Cloudflare Container. */
    GATE_COMPANION_URL: z.url().optional(),
    /** The agent that `git://` clients act as. Absent: the Worker gives the companion no passes. */
    GATE_GIT_AGENT: AgentName.optional(),
    /** The age at which the sweep settles an open push that the companion does not know. */
    GATE_OPEN_PUSH_TIMEOUT_SECONDS: seconds(30),
    /** The timeout of a short request's whole body. The companion has the same for a command list. */
    GATE_COMMANDS_SECONDS: seconds(30),
    /** The limit of requests per token; an address has ten times the limit. */
    GATE_REQUESTS_PER_MINUTE: count(3000),
    /** The limit of failed authentications per address. */
    GATE_FAILURES_PER_MINUTE: count(100),
    /** The limit of a repository's waiting pushes in R2. The companion has the same for its disk. */
    GATE_HELD_BYTES: count(2 * 2 ** 30),
    /** The age at which the sweep deletes pushes and fetches from the ledger. */
    GATE_RETENTION_DAYS: count(400),
    /** The idle timeout of the companion during a push. It sends an `alive` frame every 10 s. */
    GATE_COMPANION_SILENCE_SECONDS: z.coerce
      .number({ error: SILENCE })
      .int(SILENCE)
      .min(15, SILENCE)
      .default(30),
    /**
     * The timeout for the start of the companion's response, after it has received the whole request. Pushes
     * excluded.
     */
    GATE_COMPANION_ANSWER_SECONDS: seconds(360),
    /** The size limit of pushes and fetches in the ledger. The sweep deletes the oldest beyond it. */
    GATE_LEDGER_MAX_BYTES: count(2 ** 30),
    /**
     * True if a proxy or Cloudflare's edge sets CF-Connecting-IP. Without either, a client could claim any
     * address.
     */
    GATE_TRUSTED_PROXY: z.enum(['on', 'off'], { error: 'must be "on" or "off"' }).optional(),
    /** The origins, comma-separated, whose pages may use the gate with git in a browser (CORS). */
    GATE_BROWSER_ORIGINS: z
      .string()
      .transform(list =>
        list
          .split(',')
          .map(origin => origin.trim())
          .filter(Boolean),
      )
      .refine(
        origins => origins.every(origin => URL.parse(origin)?.origin === origin),
        'must be origins such as https://app.example, separated by commas',
      )
      .optional(),
    /** The timeout of a container's start. The Worker then asks the client to try again. */
    GATE_START_SECONDS: seconds(20),
    /** The idle timeout of a container: it stops after this long without a request. */
    GATE_CONTAINER_IDLE_SECONDS: seconds(600),
    /** The URL at which people reach the gate, for links in refusals and webhooks. */
    GATE_PUBLIC_URL: z
      .url({ protocol: /^https?$/, error: 'must be a URL such as https://gate.example' })
      .transform(url => url.replace(/\/+$/, ''))
      .optional(),
    /** The server that takes the gate's e-mail, and the sender of it. The companion connects to it. */
    GATE_SMTP_URL: MailServerUrl.optional(),
    GATE_SMTP_FROM: EmailAddress.optional(),
    /** The credential with which the gate logs in there. */
    GATE_SMTP_CREDENTIAL: CredentialName.optional(),
    /** Certificates (PEM) of the authorities to trust there; empty: those of the system. */
    GATE_SMTP_CA: z.string().default(''),
    /** The console's own host name. The Worker redirects browsers from other host names to it. */
    GATE_CONSOLE_HOST: z
      .string()
      .regex(/^[a-z0-9.-]{1,253}$/, 'must be a host name without a port, such as git-gate.localhost')
      .optional(),
    /**
     * The Cloudflare Access team domain, such as acme.cloudflareaccess.com. Access then authenticates
     * operators.
     */
    GATE_ACCESS_TEAM: z
      .string()
      .regex(/^[a-z0-9.-]+$/, 'must be a domain, such as acme.cloudflareaccess.com')
      .optional(),
    /** The audience (AUD) tag of the Access application. */
    GATE_ACCESS_AUDIENCE: z.string().min(1).optional(),
    /** The issuer at which operators sign in by OpenID Connect, as its ID tokens name it. */
    GATE_OIDC_ISSUER: z
      .url()
      .refine(
        isSafeForSecrets,
        'must begin with https://, without a user name (http:// only on this machine)',
      )
      .optional(),
    /** The gate's client at the issuer. */
    GATE_OIDC_CLIENT_ID: z.string().min(1).optional(),
    /** Absent: a public client, with PKCE alone. */
    GATE_OIDC_CLIENT_SECRET: z.string().min(1).optional(),
    GATE_OIDC_SCOPES: z
      .string()
      .regex(/^openid( [\x21-\x7e]+)*$/, 'must begin with openid, with one space between scopes')
      .default('openid email profile'),
    /** The claim with the names of a person's groups. */
    GATE_OIDC_GROUPS_CLAIM: z.string().min(1).default('groups'),
  })
  .refine(env => (env.GATE_ACCESS_TEAM === undefined) === (env.GATE_ACCESS_AUDIENCE === undefined), {
    path: ['GATE_ACCESS_TEAM'],
    message: 'goes with GATE_ACCESS_AUDIENCE: give both, or neither',
  })
  .refine(env => (env.GATE_OIDC_ISSUER === undefined) === (env.GATE_OIDC_CLIENT_ID === undefined), {
    path: ['GATE_OIDC_ISSUER'],
    message: 'goes with GATE_OIDC_CLIENT_ID: give both, or neither',
  })
  .refine(env => (env.GATE_SMTP_URL === undefined) === (env.GATE_SMTP_FROM === undefined), {
    path: ['GATE_SMTP_URL'],
    message: 'goes with GATE_SMTP_FROM: give both, or neither',
  })
  .refine(env => env.GATE_SMTP_URL === undefined || env.GATE_COMPANION_URL !== undefined, {
    path: ['GATE_SMTP_URL'],
    message: 'needs a companion on a host of its own (GATE_COMPANION_URL): the containers send no e-mail',
  })
export type Settings = z.infer<typeof Settings>
export const SETTING_NAMES: readonly string[] = Object.keys(Settings.shape)

const parsedSettings = new WeakMap<object, Settings>()

/** Parses the settings in an environment. Returns one line that names every invalid setting if any is. */
export function readSettings(env: object): { ok: true; settings: Settings } | { ok: false; problem: string } {
  const read = Settings.safeParse(env)
  if (read.success) return { ok: true, settings: read.data }
  return { ok: false, problem: read.error.issues.map(i => `${i.path.join('.')}: ${i.message}`).join('; ') }
}

/** Returns the settings in the Worker's environment. Throws an Error that names an invalid setting. */
export function settingsOf(env: object): Settings {
  const cached = parsedSettings.get(env)
  if (cached) return cached
  const read = readSettings(env)
  if (!read.ok) throw new Error(`settings: ${read.problem}`)
  parsedSettings.set(env, read.settings)
  return read.settings
}

/** Returns `local` for one companion at GATE_COMPANION_URL, `container` for a container per repository. */
export const companionKind = ({ GATE_COMPANION_URL }: Settings): 'local' | 'container' =>
  GATE_COMPANION_URL === undefined ? 'container' : 'local'

/**
 * Returns whether CF-Connecting-IP is trusted. By default it is with containers, since Cloudflare's edge sets it
 * there.
 */
export const hasTrustedProxy = (settings: Settings): boolean =>
  settings.GATE_TRUSTED_PROXY === undefined
    ? companionKind(settings) === 'container'
    : settings.GATE_TRUSTED_PROXY === 'on'
