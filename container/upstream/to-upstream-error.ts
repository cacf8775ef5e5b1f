import { createHash } from 'node:crypto'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { isHttps } from '../../src/contract/upstream.ts'
import { printable } from '../git/command-list.ts'
import { parseSshUrl } from './ssh/ssh-url.ts'
import { CredentialRefused, UpstreamError } from './upstream-error.ts'

/** Turns the stderr of ssh or git into one line that tells the agent who can fix the problem. */
export function toUpstreamError(upstream: Upstream, stderr: string): UpstreamError {
  const words = stderr
    .split('\n')
    .map(line => printable(line.replace(/^(remote|fatal|error|ERROR|ssh): /, '').trim()))
    .filter(
      line => line && !/^(Please make sure|and the repository exists|Could not read from remote)/.test(line),
    )
  const host = hostOf(upstream.url)
  const problem = isHttps(upstream.url)
    ? httpsProblem(upstream, host, stderr)
    : sshProblem(upstream, host, stderr, words)
  if (problem) return problem
  if (UNREACHABLE.test(stderr) || words.length === 0)
    return new UpstreamError(
      `the upstream ${host} cannot be reached (${words.at(-1) ?? 'the connection ended without a message'})`,
      { advice: 'try again later' },
    )
  if (NO_REPOSITORY.test(stderr))
    return new UpstreamError(`${host} has no such repository for the ${keyOf(upstream)} (${words.at(-1)})`, {
      fix: `check the upstream's address: git gate repo set ${upstream.name} --upstream URL`,
    })
  return new UpstreamError(`the upstream ${host} said: ${words.slice(-3).join(' / ').slice(0, 500)}`)
}

const UNREACHABLE =
  /Connection (refused|timed out|reset|closed)|Could not resolve|No route|unreachable|timed out|banner exchange|Failed to connect|Operation too slow|Empty reply|early EOF|hung up|returned error: (?:429|5\d\d)/i
const NO_REPOSITORY =
  /not appear to be a git repository|Repository not found|does not exist|could not be found|^fatal: repository '.*' not found/im

/** Returns the host of an upstream's URL, with its user and port where it names them. */
export const hostOf = (url: string) =>
  isHttps(url) ? new URL(url).host : parseSshUrl(url).host.replace(/^ssh:\/\//, '')

/** The identity or credential with which the gate authenticates at the upstream. */
const keyOf = ({ url, identity, credential }: Upstream) =>
  isHttps(url) ? `credential "${credential?.name}"` : `identity "${identity}"`

/** Returns the fingerprint of the host key that ssh was shown, where it says so, and of the pinned ones. */
function hostKeys(knownHosts: string, stderr: string): string {
  const shown = /key sent by the remote host is\s+(SHA256:\S+?)\.?\s/.exec(stderr)?.[1]
  const pinned = knownHosts.split('\n').flatMap(line => {
    const key = / (AAAA[A-Za-z0-9+/=]+)/.exec(line)?.[1]
    if (key === undefined) return []
    const digest = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64')
    return [`SHA256:${digest.replace(/=+$/, '')}`]
  })
  return `${shown ? `it shows ${shown}, ` : ''}pinned: ${pinned.join(', ') || 'none'}`
}

function sshProblem(
  { name, identity, knownHosts }: Upstream,
  host: string,
  stderr: string,
  words: readonly string[],
): UpstreamError | undefined {
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key is known/i.test(stderr))
    return new UpstreamError(
      `the host key of ${host} is not the one pinned for ${name} (${hostKeys(knownHosts, stderr)}); nothing was sent`,
      { fix: `check it and pin the right one: git gate repo set ${name} --known-hosts FILE` },
    )
  if (READ_ONLY.test(stderr))
    return new UpstreamError(
      `${host} lets the identity "${identity}" read only (${words.slice(-2).join(' / ').slice(0, 300)})`,
      { fix: `give its deploy key write access there: git gate identity show ${identity}` },
    )
  if (/Permission denied|Too many authentication failures/i.test(stderr))
    return new UpstreamError(`${host} does not accept the identity "${identity}"`, {
      fix: `add its public key there as a deploy key with write access: git gate identity show ${identity}`,
    })
  return undefined
}

/** The words of GitHub, GitLab, Gitea and Bitbucket for a key without write access. */
const READ_ONLY =
  /marked as read.only|read.only (?:deploy )?key|deploy key does not have write|not allowed to push|not authorized to write|permission to .+ denied to|write access .*not granted|no write permission/i

function httpsProblem(
  { name, url, credential }: Upstream,
  host: string,
  stderr: string,
): UpstreamError | undefined {
  const credentialName = credential?.name
  const status = /returned error: (\d{3})/.exec(stderr)?.[1]
  if (/\b407\b/.test(stderr) && /proxy|CONNECT/i.test(stderr))
    return new UpstreamError(`the proxy for ${host} asks for a password, which the gate does not give`, {
      fix: `name another: git gate repo set ${name} --proxy URL`,
    })
  if (/Authentication failed|could not read (Username|Password)/i.test(stderr) || status === '401')
    return credentialRefused({ url, credential })
  if (status === '403')
    return new UpstreamError(
      `${host} denies the gate's credential "${credentialName}" this${hostWords(stderr)}`,
      {
        fix: 'give it read and write access to the repository there',
      },
    )
  if (status?.startsWith('3'))
    return new UpstreamError(
      `${host} redirects to another address, which the gate does not follow; nothing was sent there`,
      { fix: `set the repository's own address: git gate repo set ${name} --upstream URL` },
    )
  if (/certificate|SSL|TLS/.test(stderr))
    return new UpstreamError(`the certificate of ${host} is not trusted for ${name}; nothing was sent`, {
      fix: `name its authority: git gate repo set ${name} --ca FILE`,
    })
  return undefined
}

export const credentialRefused = ({ url, credential }: Pick<Upstream, 'url' | 'credential'>) =>
  new CredentialRefused(`the gate's credential "${credential?.name}" for ${hostOf(url)} is refused`, {
    fix: `set it again: git gate credential set ${credential?.name}`,
  })

/** The host's own words, which it sends with a refusal. */
function hostWords(stderr: string): string {
  const words = /^remote: (.+)$/m.exec(stderr)?.[1]
  return words ? ` ("${printable(words).slice(0, 200)}")` : ''
}
