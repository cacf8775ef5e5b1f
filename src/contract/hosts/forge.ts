import { z } from 'zod'
import { isSafeForSecrets } from '../credential.ts'
import { parseUpstream } from '../upstream.ts'

/** A kind of host, by its API. Forgejo has Gitea's. */
export const ForgeKind = z.enum(['github', 'gitlab', 'gitea'])
export type ForgeKind = z.infer<typeof ForgeKind>

/** The base URL of a host's API; empty: the usual one of the upstream's host. */
export const ForgeApiUrl = z
  .string()
  .max(1024)
  .transform(url => url.replace(/\/+$/, ''))
  .refine(
    url => url === '' || isSafeForSecrets(url),
    'must be https without a user name, or http on this machine',
  )
  .refine(url => !/[?#]/.test(url), 'a base URL has no ? and no #')

/** The API of the host on which an upstream is. */
export interface Forge {
  readonly kind: ForgeKind
  /** The base URL, without a slash at its end. */
  readonly apiUrl: string
  /** The project's path at the host: `acme/app`. */
  readonly project: string
}

/** Hosts whose kind needs no setting. */
const KNOWN: ReadonlyMap<string, ForgeKind> = new Map([
  ['github.com', 'github'],
  ['ssh.github.com', 'github'],
  ['gitlab.com', 'gitlab'],
  ['altssh.gitlab.com', 'gitlab'],
  ['gitea.com', 'gitea'],
  ['codeberg.org', 'gitea'],
])

/** Hosts that take SSH on port 443 under another name. */
const WEB_HOST: Readonly<Record<string, string>> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
}

const DEFAULT_API: Readonly<Record<ForgeKind, (host: string) => string>> = {
  github: host => (host === 'github.com' ? 'https://api.github.com' : `https://${host}/api/v3`),
  gitlab: host => `https://${host}/api/v4`,
  gitea: host => `https://${host}/api/v1`,
}

/** Returns the kind of a recognized host by its name. */
export const knownKind = (host: string): ForgeKind | undefined => KNOWN.get(host.toLowerCase())

/** Returns the name of a host's web pages, where it takes SSH under another name. */
export const webHostOf = (host: string): string => WEB_HOST[host.toLowerCase()] ?? host.toLowerCase()

/**
 * Returns the API of an upstream's host: as set, or as derived from a recognized host. Returns undefined if the
 * kind of the host is unknown.
 */
export function forgeOf({
  url,
  forge,
  apiUrl,
}: {
  url: string
  forge: ForgeKind | null
  apiUrl: string
}): Forge | undefined {
  const parsed = parseUpstream(url)
  if (!parsed.ok) return undefined
  const { path } = parsed.address
  const host = parsed.address.host.toLowerCase()
  const kind = forge ?? KNOWN.get(host)
  if (!kind) return undefined
  const segments = path
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/')
    .filter(segment => segment && segment !== '~')
  // GitLab has groups in groups; GitHub and Gitea have an owner, and Gitea may be served under a path.
  const project = (kind === 'gitlab' ? segments : segments.slice(-2)).join('/')
  return { kind, apiUrl: apiUrl || DEFAULT_API[kind](WEB_HOST[host] ?? host), project }
}

/** A pull request (GitLab: merge request) that the gate opened or found for a push. */
export const PullRequest = z.object({
  url: z.url({ protocol: /^https?$/ }).max(2048),
  number: z.number().int(),
  /** False: it was open already. */
  isNew: z.boolean(),
})
export type PullRequest = z.infer<typeof PullRequest>
