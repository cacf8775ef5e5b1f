import type { Repository } from '../src/contract/api.ts'
import { parseUpstream } from '../src/contract/upstream.ts'

/** The names under which people know a forge whose SSH is also reached on port 443. */
const WEB_HOSTS: Record<string, string> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
  'altssh.bitbucket.org': 'bitbucket.org',
}

/**
 * Git configuration that sends an agent's ordinary remote URLs to the gate, for a file of its own
 * (`git config --file`, `include.path`). An agent needs no other change.
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
    '# A URL is matched by its beginning: app also sends app-two here, unless app-two has lines of its own.',
    ...repositories.flatMap(repository => [
      `[url ${quoted(`${root(base)}/${repository.name}`)}]`,
      ...ordinaryUrls(repository.upstream).flatMap(url => [
        `\tinsteadOf = ${quoted(url)}`,
        `\tpushInsteadOf = ${quoted(url)}`,
      ]),
    ]),
    '# The gate is spoken to directly.',
    `[http ${quoted(`${root(gate)}/`)}]`,
    '\tproxy =',
  ].join('\n')
}

/** What people and tools write for this upstream; each without .git, which is the beginning of both spellings. */
function ordinaryUrls(upstream: string): string[] {
  const parsed = parseUpstream(upstream)
  if (!parsed.ok) return []
  const { user = 'git', host, port, path: given } = parsed.address
  const web = WEB_HOSTS[host.toLowerCase()] ?? host
  const literal = (name: string) => (name.includes(':') ? `[${name}]` : name)
  const path = given
    .replace(/^\/+/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
  const urls = [
    `https://${literal(web)}/${path}`,
    `http://${literal(web)}/${path}`,
    ...[...new Set(['git', user])].flatMap(name => [
      `${name}@${literal(web)}:${path}`,
      `${name}@${literal(web)}:/${path}`,
      `ssh://${name}@${literal(web)}/${path}`,
      `ssh://${name}@${literal(web)}:22/${path}`,
    ]),
    `ssh://${literal(web)}/${path}`,
    ...(port === undefined || port === 22
      ? []
      : [`ssh://${user}@${literal(host)}:${port}/${path}`, `ssh://${literal(host)}:${port}/${path}`]),
  ]
  return [...new Set(urls)]
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
