import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { agentConfig } from '../../cli/agent-config.ts'
import type { Repository } from '../../src/contract/admin-api/repositories.ts'
import { IdentityName, RepositoryName } from '../../src/contract/names.ts'

const repository = (name: string, upstream: string): Repository => ({
  name: RepositoryName.parse(name),
  upstream,
  identity: IdentityName.parse('deploy'),
  knownHosts: '',
  credential: null,
  forge: null,
  apiUrl: '',
  webUrl: '',
  ca: '',
  proxy: '',
  staleReads: false,
  readRefs: [],
  gitleaksConfig: '',
  createdAt: new Date(0).toISOString(),
})
const REPOSITORIES = [
  repository('github.com/acme/app', 'ssh://git@ssh.github.com:443/acme/app.git'),
  repository('app-two', 'git@github.com:acme/app-two.git'),
  repository('forge/app', 'https://forge.example.org:8443/acme/app.git'),
  repository('demo', 'ssh://deploy@127.0.0.1:2222/srv/demo.git'),
]
const TOKEN = `gate_abcdefghij_${'x'.repeat(32)}`

let folder: string
let config: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gate-agent-config-'))
  config = join(folder, 'gate.gitconfig')
  writeFileSync(config, agentConfig('http://127.0.0.1:8787', REPOSITORIES, { agent: 'ada', token: TOKEN }))
  writeFileSync(
    join(folder, 'gitconfig'),
    `[include]\n\tpath = ${config}\n[http]\n\tproxy = http://127.0.0.1:9\n`,
  )
  git('init', '-q')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const git = (...args: string[]) =>
  execFileSync('git', args, {
    cwd: folder,
    env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: join(folder, 'gitconfig'), GIT_CONFIG_NOSYSTEM: '1' },
    encoding: 'utf8',
  }).trim()

const gate = (path: string) => `http://127.0.0.1:8787/${path}`

test.each([
  ['https://github.com/acme/app.git', 'github.com/acme/app.git'],
  ['https://github.com/acme/app', 'github.com/acme/app'],
  ['git@github.com:acme/app.git', 'github.com/acme/app.git'],
  ['git@github.com:acme/app', 'github.com/acme/app'],
  ['ssh://git@github.com/acme/app.git', 'github.com/acme/app.git'],
  ['ssh://git@ssh.github.com:443/acme/app.git', 'github.com/acme/app.git'],
  ['https://github.com/acme/app-two', 'app-two'],
  ['git@github.com:acme/app-two.git', 'app-two.git'],
  ['https://forge.example.org:8443/acme/app.git', 'forge/app.git'],
  ['git@forge.example.org:acme/app', 'forge/app'],
  ['ssh://deploy@127.0.0.1:2222/srv/demo.git', 'demo.git'],
  ['ssh://127.0.0.1:2222/srv/demo', 'demo'],
])('git rewrites %s to the gate', (url, path) => {
  expect(git('ls-remote', '--get-url', url)).toBe(gate(path))
  git('remote', 'add', 'origin', url)
  try {
    expect(git('remote', 'get-url', 'origin')).toBe(gate(path))
    expect(git('remote', 'get-url', '--push', 'origin')).toBe(gate(path))
  } finally {
    git('remote', 'remove', 'origin')
  }
})

test.each([
  'https://github.com/acme/other.git',
  'https://github.com/acme/app-docs',
  'https://github.com/acme/app-docs.git',
  'https://github.com/acme/app2',
  'https://github.com/acme/app.github.io',
  'https://github.com/acme/app.js.git',
  'git@github.com:acme/app_old.git',
  'ssh://git@github.com/acme/apps',
  'git@gitlab.com:acme/app.git',
  'https://example.org/app',
])('git does not rewrite %s', url => {
  expect(git('ls-remote', '--get-url', url)).toBe(url)
})

test('git connects to the gate without a proxy, and to other hosts as before', () => {
  expect(git('config', '--get-urlmatch', 'http.proxy', gate('demo.git/info/refs'))).toBe('')
  expect(git('config', '--get-urlmatch', 'http.proxy', 'https://example.org/')).toBe('http://127.0.0.1:9')
})

test('the token is in a header for the gate alone, and in no URL', () => {
  const header = `Authorization: Bearer ${TOKEN}`
  expect(git('config', '--get-urlmatch', 'http.extraHeader', gate('demo.git/info/refs'))).toBe(header)
  expect(git('config', '--get-regexp', '^url\\.')).not.toContain(TOKEN)
  expect(() => git('config', '--get-urlmatch', 'http.extraHeader', 'https://github.com/')).toThrow()
})

test('git reads the file on its own', () => {
  expect(git('config', '--file', config, '--get-regexp', 'pushinsteadof').split('\n').length).toBeGreaterThan(
    10,
  )
})
