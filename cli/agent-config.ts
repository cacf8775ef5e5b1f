import type { Repository } from '../src/contract/admin-api/repositories.ts'
import { parseUpstream } from '../src/contract/upstream.ts'

/** The web host of each forge, by the host that serves its SSH on port 443. */
const WEB_HOSTS: Record<string, string> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
  'altssh.bitbucket.org': 'bitbucket.org',
}

/** Characters with which the name of another repository can go on after this one's, or after its `.git`. */
const MORE = [...'-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ']

/**
 * Returns git configuration that rewrites an agent's usual remote URLs to the gate, for a file of its own
 * (`git config --file`, `include.path`). The token is in a header, so that no URL shows it: `git remote -v`,
 * submodules and git-lfs print URLs.
 */
export function agentConfig(
  gateUrl: string,
  repositories: readonly Repository[],
  credentials: { agent: string; token: string },
): string {
  const gate = new URL(gateUrl)
  const root = gate.href.replace(/\/+$/, '')
  const urls = repositories.map(({ name, upstream }) => ({ name, urls: upstreamUrls(upstream) }))
  return [
    `# The repositories behind ${root}, for ${credentials.agent}.`,
    '# Connect to the gate with the token, and without a proxy.',
    `[http ${quoted(`${root}/`)}]`,
    `\textraHeader = ${quoted(`Authorization: Bearer ${credentials.token}`)}`,
    '\tproxy =',
    ...urls.flatMap(each => [
      ...rewrite(`${root}/${each.name}`, each.urls),
      ...rewrite(
        `${root}/${each.name}.git`,
        each.urls.map(url => `${url}.git`),
      ),
    ]),
    '# insteadOf matches the start of a URL, and the longest match wins. The entries below leave other repositories',
    '# whose names start the same unchanged.',
    ...urls.flatMap(each =>
      each.urls.flatMap(url => [url, `${url}.git`].flatMap(start => MORE.flatMap(c => keep(start + c)))),
    ),
  ].join('\n')
}

const rewrite = (to: string, urls: readonly string[]) => [
  `[url ${quoted(to)}]`,
  ...urls.flatMap(url => [`\tinsteadOf = ${quoted(url)}`, `\tpushInsteadOf = ${quoted(url)}`]),
]

const keep = (start: string) => rewrite(start, [start])

/** Returns the usual URLs of this upstream, without .git. */
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
  // user@host:path has no percent-encoding; the path of an https:// upstream has it already.
  const inUrl = transport === 'https' ? path : encodeURI(path)
  const urls = [
    `https://${bracketIpv6(webHost)}/${inUrl}`,
    `http://${bracketIpv6(webHost)}/${inUrl}`,
    ...[...new Set(['git', user])].flatMap(name => [
      `${name}@${bracketIpv6(webHost)}:${path}`,
      `${name}@${bracketIpv6(webHost)}:/${path}`,
      `ssh://${name}@${bracketIpv6(webHost)}/${inUrl}`,
      `ssh://${name}@${bracketIpv6(webHost)}:22/${inUrl}`,
    ]),
    `ssh://${bracketIpv6(webHost)}/${inUrl}`,
    ...(transport === 'https' && port !== undefined
      ? ['https', 'http'].map(scheme => `${scheme}://${bracketIpv6(host)}:${port}/${inUrl}`)
      : []),
    ...(transport === 'https' || port === undefined || port === 22
      ? []
      : [
          `ssh://${user}@${bracketIpv6(host)}:${port}/${inUrl}`,
          `ssh://${bracketIpv6(host)}:${port}/${inUrl}`,
        ]),
  ]
  return [...new Set(urls)]
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
