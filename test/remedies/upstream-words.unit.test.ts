import { expect, test } from 'vitest'
import { toUpstreamError } from '../../container/upstream/to-upstream-error.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'

const upstream = upstreamOf({ name: 'acme/app', url: 'git@example.com:acme/app.git', identity: 'acme' })

test.each([
  [
    'a read-only key',
    'ERROR: The key you are authenticating with has been marked as read only.\nfatal: Could not read from remote repository.',
    /reads? only .*marked as read only.*give its deploy key write access/,
  ],
  [
    'a read-only key of GitLab',
    'remote: ERROR: This deploy key does not have write access to this project.',
    /read only .*give its deploy key write access/,
  ],
  [
    'a refused key',
    'git@example.com: Permission denied (publickey).',
    /does not accept the identity "acme".*git gate identity show acme/,
  ],
  [
    'another host key',
    'Host key verification failed.',
    /host key .*git gate repo set acme\/app --known-hosts/,
  ],
  ['a missing repository', 'ERROR: Repository not found.', /no such repository .*--upstream URL/],
])('%s: the agent is told that it can do nothing, and which command the operator needs', (_, said, words) => {
  const { message, fix } = toUpstreamError(upstream, said)
  expect(message).toMatch(words)
  expect(message).toContain('Nothing you can do: tell the operator to')
  expect(message).not.toMatch(/push again|try again/)
  expect(fix).not.toMatch(/operator/)
})

test('an upstream that is down: the agent is told to try again later', () => {
  const { message, fix } = toUpstreamError(upstream, 'ssh: connect to host example.com: Connection refused')
  expect(message).toMatch(/cannot be reached .*; try again later$/)
  expect(fix).toBe('')
})

const overHttps = upstreamOf({
  ...upstream,
  url: 'https://example.com/acme/app.git',
  identity: null,
  credential: { name: 'bot', user: 'git', app: null },
})
const unable = "fatal: unable to access 'https://example.com/acme/app.git/': "

test.each([
  [
    'a refused token',
    "fatal: Authentication failed for 'https://example.com/acme/app.git/'",
    /"bot" for example\.com is refused.*git gate credential set bot/,
  ],
  [
    'a missing right',
    `remote: Write access to repository not granted.\n${unable}The requested URL returned error: 403`,
    /denies .*"bot" this \("Write access to repository not granted\."\)/,
  ],
  [
    'a redirect',
    `${unable}The requested URL returned error: 301`,
    /redirects to another address.*--upstream URL/,
  ],
  [
    'an unknown authority',
    `${unable}server certificate verification failed. CAfile: none CRLfile: none`,
    /certificate of example\.com is not trusted .*--ca FILE/,
  ],
  [
    'an unknown authority, as OpenSSL says it',
    `${unable}SSL certificate problem: self-signed certificate`,
    /not trusted .*--ca FILE/,
  ],
  [
    'a proxy with a password',
    `${unable}Received HTTP code 407 from proxy after CONNECT`,
    /proxy for example\.com .*--proxy URL/,
  ],
  [
    'a missing repository',
    "fatal: repository 'https://example.com/acme/app.git/' not found",
    /no such repository for the credential "bot".*--upstream URL/,
  ],
])(
  'over HTTPS %s: the agent is told that it can do nothing, and which command the operator needs',
  (_, said, words) => {
    const { message, fix } = toUpstreamError(overHttps, said)
    expect(message).toMatch(words)
    expect(message).toContain('Nothing you can do: tell the operator to')
    expect(fix).not.toMatch(/operator/)
  },
)

test.each([
  'Failed to connect to example.com port 443 after 2 ms: Connection refused',
  'Could not resolve host: example.com',
  'Operation too slow. Less than 1 bytes/sec transferred the last 60 seconds',
  'The requested URL returned error: 502',
])('over HTTPS a host that fails is for later: %s', said => {
  const { message, fix } = toUpstreamError(overHttps, unable + said)
  expect(message).toMatch(/try again later$/)
  expect(fix).toBe('')
})
