import { z } from 'zod'

const optional = z
  .string()
  .optional()
  .transform(text => text || undefined)

const Settings = z
  .object({
    /** The first admin token; more are made in the ledger. Without it only those, or Cloudflare Access, let in. */
    GATE_ADMIN_TOKEN: optional.pipe(z.string().min(20, 'it is shorter than 20 characters').optional()),
    GATE_COMPANION_URL: optional,
    /** Cloudflare Access: the team's domain, such as acme.cloudflareaccess.com, and the application's audience tag. */
    GATE_ACCESS_TEAM: optional,
    GATE_ACCESS_AUDIENCE: optional,
  })
  .transform(env => ({
    adminToken: env.GATE_ADMIN_TOKEN,
    companion: env.GATE_COMPANION_URL ? ('local' as const) : ('container' as const),
    access:
      env.GATE_ACCESS_TEAM && env.GATE_ACCESS_AUDIENCE
        ? { team: env.GATE_ACCESS_TEAM, audience: env.GATE_ACCESS_AUDIENCE }
        : undefined,
  }))
export type AdminSettings = z.infer<typeof Settings>

/** What the admin side reads of the Worker's environment; throws on a value it cannot use. */
export const adminSettings = (env: unknown): AdminSettings => Settings.parse(env)
