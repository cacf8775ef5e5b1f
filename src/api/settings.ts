import { z } from 'zod'

const Access = z.object({
  /** The team's domain, such as acme.cloudflareaccess.com. */
  GATE_ACCESS_TEAM: z
    .string()
    .regex(/^[a-z0-9.-]+$/)
    .optional(),
  /** The audience tag of the Access application that stands before /-/. */
  GATE_ACCESS_AUDIENCE: z.string().min(1).optional(),
})

/** Where Cloudflare Access lets operators in, or undefined. Throws on a value it cannot use. */
export function accessSettings(env: object): { team: string; audience: string } | undefined {
  const { GATE_ACCESS_TEAM: team, GATE_ACCESS_AUDIENCE: audience } = Access.parse(env)
  return team && audience ? { team, audience } : undefined
}

/** Is there a companion at a URL, or a container for each repository? */
export const companionKind = (settings: {
  GATE_COMPANION_URL?: string | undefined
}): 'local' | 'container' => (settings.GATE_COMPANION_URL === undefined ? 'container' : 'local')
