import path from 'node:path'
import { z } from 'zod'

const port = (fallback: number) => {
  const error = 'must be a port, from 0 to 65535'
  return z.coerce.number({ error }).int(error).min(0, error).max(65_535, error).default(fallback)
}

const Settings = z
  .object({
    PORT: port(8787),
    COMPANION_PORT: port(9420),
    GATE_HOME: z.string().min(1).default('.git-gate'),
    GATE_GIT_LISTEN: z.string().optional(),
    GATE_WORKER_URL: z.string().optional(),
  })
  .refine(env => env.PORT === 0 || env.PORT !== env.COMPANION_PORT, {
    path: ['COMPANION_PORT'],
    message: 'must differ from PORT',
  })
  // The companion receives the Worker's URL before the Worker has a port.
  .refine(env => env.PORT !== 0 || !env.GATE_GIT_LISTEN || env.GATE_WORKER_URL, {
    path: ['PORT'],
    message: 'must not be 0 when GATE_GIT_LISTEN is set; set a fixed port',
  })
  .transform(env => ({
    port: env.PORT,
    companionPort: env.COMPANION_PORT,
    home: path.resolve(env.GATE_HOME),
  }))
export type LocalSettings = z.infer<typeof Settings>

/** Parses the ports and the state folder, or returns one line that names each wrong setting. */
export function readLocalSettings(
  env: NodeJS.ProcessEnv,
): { ok: true; settings: LocalSettings } | { ok: false; problem: string } {
  const read = Settings.safeParse(env)
  if (read.success) return { ok: true, settings: read.data }
  return { ok: false, problem: read.error.issues.map(i => `${i.path.join('.')}: ${i.message}`).join('; ') }
}

/** Returns the GATE_… settings of an environment. Worker and companion parse them. */
export const gateSettings = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => /^GATE_/.test(entry[0]) && entry[1] !== undefined,
    ),
  )
