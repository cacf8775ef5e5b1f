import { expect, test } from 'vitest'
import { toUpstreamError } from '../../container/upstream/to-upstream-error.ts'
import { Upstream } from '../../src/contract/pass.ts'

const upstream = Upstream.parse({
  name: 'acme/app',
  url: 'git@example.com:acme/app.git',
  identity: 'acme',
  knownHosts: '',
  credential: null,
  ca: '',
  proxy: '',
  staleReads: false,
})

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
