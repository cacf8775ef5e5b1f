import { z } from 'zod'
import { parseUpstream } from '../upstream.ts'
import { type ForgeKind, forgeOf, knownKind, webHostOf } from './forge.ts'

/** The URL of a repository's page at its host; empty: derived from the upstream of a recognized host. */
export const WebUrl = z
  .string()
  .max(1024)
  .transform(url => url.replace(/\/+$/, ''))
  .refine(url => url === '' || isPage(url), 'must be http:// or https://, without a user name, ? or #')

function isPage(url: string): boolean {
  const { protocol, username, password, search, hash } = URL.parse(url) ?? {}
  return /^https?:$/.test(protocol ?? '') && !username && !password && !search && !hash
}

/** The pages of a repository at its host. */
export interface WebLinks {
  readonly repository: string
  commit(id: string): string
  branch(name: string): string
  tag(name: string): string
  /** The pull requests of a branch. */
  pullRequests(branch: string): string
}

/** A branch in a path keeps its slashes. */
const inPath = (name: string) => name.split('/').map(encodeURIComponent).join('/')

const LINKS: Readonly<Record<ForgeKind, (repository: string) => WebLinks>> = {
  github: repository => ({
    repository,
    commit: id => `${repository}/commit/${id}`,
    branch: name => `${repository}/tree/${inPath(name)}`,
    tag: name => `${repository}/tree/${inPath(name)}`,
    pullRequests: branch => `${repository}/pulls?q=${encodeURIComponent(`is:pr head:${branch}`)}`,
  }),
  gitlab: repository => ({
    repository,
    commit: id => `${repository}/-/commit/${id}`,
    branch: name => `${repository}/-/tree/${inPath(name)}`,
    tag: name => `${repository}/-/tags/${inPath(name)}`,
    pullRequests: branch =>
      `${repository}/-/merge_requests?scope=all&state=all&source_branch=${encodeURIComponent(branch)}`,
  }),
  gitea: repository => ({
    repository,
    commit: id => `${repository}/commit/${id}`,
    branch: name => `${repository}/src/branch/${inPath(name)}`,
    tag: name => `${repository}/src/tag/${inPath(name)}`,
    pullRequests: branch => `${repository}/pulls?state=all&q=${encodeURIComponent(branch)}`,
  }),
}

/**
 * Returns the pages of a repository at its host: below `webUrl`, or of a recognized host as its upstream implies. The form of
 * the paths is that of the host's kind; of an unknown kind GitHub's.
 */
export function webLinksOf(settings: {
  readonly upstream: string
  readonly forge: ForgeKind | null
  readonly webUrl: string
}): WebLinks | undefined {
  const parsed = parseUpstream(settings.upstream)
  const host = parsed.ok ? parsed.address.host : ''
  const kind = settings.forge ?? knownKind(host)
  if (settings.webUrl !== '') return LINKS[kind ?? 'github'](settings.webUrl)
  const project =
    knownKind(host) && forgeOf({ url: settings.upstream, forge: kind ?? null, apiUrl: '' })?.project
  return kind && project ? LINKS[kind](`https://${webHostOf(host)}/${inPath(project)}`) : undefined
}
