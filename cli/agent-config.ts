import type { Repository } from '../src/contract/api.ts'
import { parseUpstream } from '../src/contract/upstream.ts'

/** The web host of each forge, by the host that serves its SSH on port 443. */
const WEB_HOSTS: Record<string, string> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
  'altssh.bitbucket.org': 'bitbucket.org',
}

/**
 * Returns git configuration that rewrites an agent's usual remote URLs to the gate, for a file of its own
 * (`git config --file`, `include.path`).
 */
export function agentConfig(
  gateUrl: string,
  repositories: readonly Repository[],
  credentials: { agent: string; token: string },
): string {
  const gate = new URL(gateUrl)
  const base = new URL(gate)
  base.username = credentials.agent
  base.password = credentials.token
  const root = (url: URL) => url.href.replace(/\/+$/, '')
  return [
    `# The repositories behind ${root(gate)}, for ${credentials.agent}.`,
    '# insteadOf matches the start of a URL: a section for app also matches app-two, unless app-two has its own section.',
    ...repositories.flatMap(repository => [
      `[url ${quoted(`${root(base)}/${repository.name}`)}]`,
      ...upstreamUrls(repository.upstream).flatMap(url => [
        `\tinsteadOf = ${quoted(url)}`,
        `\tpushInsteadOf = ${quoted(url)}`,
      ]),
    ]),
    '# Connect to the gate without a proxy.',
    `[http ${quoted(`${root(gate)}/`)}]`,
    '\tproxy =',
  ].join('\n')
}

/** Returns the usual URLs of this upstream, without .git, so that insteadOf matches both spellings. */
function upstreamUrls(upstream: string): string[] {
  const parsed = parseUpstream(upstream)
  if (!parsed.ok) return []
  const { transport, user = 'git', host, port, path: given } = parsed.address
  const webHost = WEB_HOSTS[host.toLowerCase()] ?? host
  const bracketIpv6 = (name: string) => (name.includes(':') ? `[${name}]` : name)
  const path = given
    .replace(/^\/+/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
  const urls = [
    `https://${bracketIpv6(webHost)}/${path}`,
    `http://${bracketIpv6(webHost)}/${path}`,
    ...[...new Set(['git', user])].flatMap(name => [
      `${name}@${bracketIpv6(webHost)}:${path}`,
      `${name}@${bracketIpv6(webHost)}:/${path}`,
      `ssh://${name}@${bracketIpv6(webHost)}/${path}`,
      `ssh://${name}@${bracketIpv6(webHost)}:22/${path}`,
    ]),
    `ssh://${bracketIpv6(webHost)}/${path}`,
    ...(transport === 'https' && port !== undefined
      ? ['https', 'http'].map(scheme => `${scheme}://${bracketIpv6(host)}:${port}/${path}`)
      : []),
    ...(transport === 'https' || port === undefined || port === 22
      ? []
      : [`ssh://${user}@${bracketIpv6(host)}:${port}/${path}`, `ssh://${bracketIpv6(host)}:${port}/${path}`]),
  ]
  return [...new Set(urls)]
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
