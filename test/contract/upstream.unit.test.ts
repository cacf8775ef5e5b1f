import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseSshUrl } from '../../container/upstream/ssh/ssh-url.ts'
import { hasHostKey } from '../../src/contract/ssh/known-hosts.ts'
import { parseUpstream, type UpstreamAddress } from '../../src/contract/upstream.ts'

test.each<[string, Omit<UpstreamAddress, 'transport'>]>([
  [
    'ssh://git@github.com/acme/app.git',
    { user: 'git', host: 'github.com', port: undefined, path: '/acme/app.git' },
  ],
  [
    'ssh://git@ssh.github.com:443/acme/app.git',
    { user: 'git', host: 'ssh.github.com', port: 443, path: '/acme/app.git' },
  ],
  [
    'ssh://127.0.0.1:2222/srv/git/app.git',
    { user: undefined, host: '127.0.0.1', port: 2222, path: '/srv/git/app.git' },
  ],
  ['ssh://git@[::1]:2222/srv/app.git', { user: 'git', host: '::1', port: 2222, path: '/srv/app.git' }],
  ['git@github.com:acme/app.git', { user: 'git', host: 'github.com', port: undefined, path: 'acme/app.git' }],
  [
    'deploy_1@git.example.org:~deploy/app',
    { user: 'deploy_1', host: 'git.example.org', port: undefined, path: '~deploy/app' },
  ],
  ...['/a b', "/a';id;'", '/$(id)', '/a`id`', '/100%', '/a!&|"b', '/größe/日本'].map(
    (path): [string, Omit<UpstreamAddress, 'transport'>] => [
      `ssh://git@host${path}.git`,
      { user: 'git', host: 'host', port: undefined, path: `${path}.git` },
    ],
  ),
  ['git@host:a%20b c.git', { user: 'git', host: 'host', port: undefined, path: 'a%20b c.git' }],
  ['ssh://git@host/a%20b/%E6%97%A5.git', { user: 'git', host: 'host', port: undefined, path: '/a b/日.git' }],
])('%s is accepted', (url, address) => {
  expect(parseUpstream(url)).toEqual({ ok: true, address: { transport: 'ssh', ...address } })
})

test.each([
  ['https://github.com/acme/app.git', { host: 'github.com', port: undefined, path: '/acme/app.git' }],
  ['https://git.example.org:8443/a/b/c', { host: 'git.example.org', port: 8443, path: '/a/b/c' }],
  [
    'https://dev.azure.com/acme/My%20Project/_git/app',
    { host: 'dev.azure.com', port: undefined, path: '/acme/My%20Project/_git/app' },
  ],
  ['http://127.0.0.1:3000/acme/app.git', { host: '127.0.0.1', port: 3000, path: '/acme/app.git' }],
  ['http://[::1]:3000/acme/app.git', { host: '::1', port: 3000, path: '/acme/app.git' }],
])('%s is accepted as HTTPS', (url, address) => {
  expect(parseUpstream(url)).toEqual({
    ok: true,
    address: { transport: 'https', user: undefined, ...address },
  })
})

// As in git_connect() (connect.c), which removes the brackets of an address before it calls ssh.
test.each([
  ['ssh://git@[::1]:2222/srv/app.git', { host: 'ssh://git@[::1]:2222', path: '/srv/app.git' }],
  ['ssh://git@example.org/~deploy/app.git', { host: 'ssh://git@example.org', path: '~deploy/app.git' }],
  ['git@github.com:acme/app.git', { host: 'git@github.com', path: 'acme/app.git' }],
  ['ssh://git@host/%7Ea/100%25 b.git', { host: 'ssh://git@host', path: '~a/100% b.git' }],
  ['git@host:100%25.git', { host: 'git@host', path: '100%25.git' }],
  ['git@[2001:db8::1]:acme/app.git', { host: 'git@2001:db8::1', path: 'acme/app.git' }],
  ['git@[gateway]:acme/a:b.git', { host: 'git@gateway', path: 'acme/a:b.git' }],
])('%s leads ssh to the same host and port as git', (url, parts) => {
  expect(parseSshUrl(url)).toEqual(parts)
})

test.each([
  '',
  '/srv/git/app.git',
  './app.git',
  'app.git',
  'file:///srv/app.git',
  'http://github.com/acme/app.git',
  'http://127.0.0.1.example.org/app.git',
  'http://localhost@example.org/app.git',
  'https://git@github.com/acme/app.git',
  'https://git:word@github.com/acme/app.git',
  'https://github.com',
  'https://github.com/',
  'https://github.com//acme/app.git',
  'https:///acme/app.git',
  'https://github.com:0/app.git',
  'https://github.com:/app.git',
  'https://github.com/../app.git',
  'https://github.com/a%2e%2e/app.git',
  'https://github.com/app.git?service=git-upload-pack',
  'https://github.com/app.git#main',
  'https://-oProxyCommand=id/app.git',
  'HTTPS://github.com/app.git',
  'https::https://github.com/app.git',
  'https://github.com\\@example.org/app.git',
  'git://example.org/app.git',
  'ext::sh -c id',
  'ext::sh',
  'fd::7',
  'git@ext::sh:app',
  '-oProxyCommand=id',
  'ssh://-oProxyCommand=id/app.git',
  'ssh://git@-oProxyCommand=id/app.git',
  'ssh://-oProxyCommand=id@host/app.git',
  '-oProxyCommand=id@host:app.git',
  'git@-oProxyCommand=id:app.git',
  'ssh://git:word@host/app.git',
  'ssh://git@host',
  'ssh://git@host/',
  'ssh://git@host:0/app.git',
  'ssh://git@host:65536/app.git',
  'ssh://git@host:22x/app.git',
  'ssh://git@host:/app.git\n',
  'ssh://git@host/app.git\nProxyCommand id',
  'ssh://git@host/a\u00a0b.git',
  'ssh://git@host/a%0ab.git',
  'ssh://git@host/a%00b.git',
  'ssh://git@host/a%ff.git',
  'ssh://git@host/a\\b.git',
  'ssh://git@host/../../etc',
  'ssh://git@host/a/./b',
  'ssh://git@host/%2e%2e/b',
  'git@host:-oProxyCommand=id',
  'git@host:--upload-pack=id',
  'ssh://git@ho_st/app.git',
  'ssh://git@höst/app.git',
  'ssh+git://git@host/app.git',
  'host:app.git',
  'C:\\repos\\app',
  `ssh://git@host/${'a'.repeat(2000)}`,
])('%j is refused with a reason', url => {
  const parsed = parseUpstream(url)
  expect(parsed).toMatchObject({ ok: false, reason: expect.stringMatching(/.{8}/) })
})

test('a known-hosts text pins a host in each form that OpenSSH writes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gate-known-hosts-'))
  try {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
    const [type, key] = readFileSync(join(folder, 'key.pub'), 'utf8').split(' ')
    const line = (hosts: string) => `${hosts} ${type} ${key}\n`
    const hashed = (hosts: string) => {
      writeFileSync(join(folder, 'hashed'), line(hosts))
      execFileSync('ssh-keygen', ['-q', '-H', '-f', join(folder, 'hashed')], { stdio: 'ignore' })
      return readFileSync(join(folder, 'hashed'), 'utf8')
    }
    const on = (host: string, port?: number): UpstreamAddress => ({
      transport: 'ssh',
      user: 'git',
      host,
      port,
      path: '/a',
    })

    expect(await hasHostKey(line('github.com'), on('github.com'))).toBe(true)
    expect(await hasHostKey(line('github.com'), on('GitHub.com'))).toBe(true)
    expect(await hasHostKey(line('[127.0.0.1]:2222'), on('127.0.0.1', 2222))).toBe(true)
    expect(await hasHostKey(line('[127.0.0.1]:2222'), on('127.0.0.1', 2223))).toBe(false)
    expect(await hasHostKey(line('[127.0.0.1]:2222'), on('127.0.0.1'))).toBe(false)
    expect(await hasHostKey(hashed('github.com'), on('github.com'))).toBe(true)
    expect(await hasHostKey(hashed('github.com'), on('gitlab.com'))).toBe(false)
    expect(await hasHostKey(hashed('[127.0.0.1]:2222'), on('127.0.0.1', 2222))).toBe(true)
    expect(await hasHostKey(line('other.org,*.github.com'), on('ssh.github.com', 443))).toBe(true)
    expect(await hasHostKey(line('*.github.com,!ssh.github.com'), on('ssh.github.com'))).toBe(false)
    expect(await hasHostKey(`@cert-authority ${line('*.example.org')}`, on('git.example.org'))).toBe(true)
    expect(await hasHostKey(`@revoked ${line('github.com')}`, on('github.com'))).toBe(false)
    expect(await hasHostKey(`# ${line('github.com')}`, on('github.com'))).toBe(false)
    expect(await hasHostKey('', on('github.com'))).toBe(false)
    expect(await hasHostKey('github.com', on('github.com'))).toBe(false)
    expect(await hasHostKey(`github.com ${type} not-a-key`, on('github.com'))).toBe(false)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
