import { expect, test } from 'vitest'
import { hostEnvironment } from '../../cli/host-environment.ts'
import { Repository } from '../../src/contract/admin-api/repositories.ts'

const repository = (name: string, upstream: string, settings: object = {}) =>
  Repository.parse({
    name,
    upstream,
    staleReads: false,
    readRefs: [],
    gitleaksConfig: '',
    createdAt: new Date(0).toISOString(),
    ...settings,
  })
const linesFor = (gate: string, name: string, upstream: string, settings?: object) =>
  hostEnvironment(gate, repository(name, upstream, settings), 'gate_abc_def').split('\n')

test('gh asks the gate for one repository by a path in GH_HOST', () => {
  expect(linesFor('https://gate.example.org', 'github.com/acme/app', 'git@github.com:acme/app.git')).toEqual([
    '# gh in github.com/acme/app',
    'export GH_HOST=gate.example.org/-/forge/github.com/acme/app',
    'export GH_REPO=acme/app',
    'export GH_ENTERPRISE_TOKEN=gate_abc_def',
  ])
})

test('a gate without TLS names the socket for gh', () => {
  const lines = linesFor('http://127.0.0.1:8787', 'app', 'https://github.com/acme/app')
  expect(lines).toContain('export GH_HOST=127.0.0.1:8787/-/forge/app')
  expect(lines.at(-1)).toBe('# gh config set http_unix_socket GATE_HOME/gate.sock')
})

test('glab and clients of Gitea’s API get the gate’s address, and an unknown host is named', () => {
  const gate = 'https://gate.example.org'
  expect(linesFor(gate, 'lab', 'git@gitlab.com:acme/sub/app.git')).toEqual([
    '# glab in lab',
    'export GITLAB_HOST=gate.example.org',
    'export GITLAB_API_HOST=gate.example.org/-/forge/lab',
    'export GITLAB_REPO=acme/sub/app',
    'export GITLAB_HEAD_REPO=acme/sub/app',
    'export GITLAB_TOKEN=gate_abc_def',
    '# for glab mr create, which only reads it:',
    '# git remote add gitlab "https://$GITLAB_API_HOST/$GITLAB_REPO.git"',
  ])
  expect(linesFor(gate, 'tea', 'https://git.example.com/acme/app.git', { forge: 'gitea' })).toContain(
    'export FORGE_API=https://gate.example.org/-/forge/tea/api/v1/repos/acme/app',
  )
  expect(() => linesFor(gate, 'other', 'https://git.example.com/acme/app.git')).toThrow(
    /does not know the API of other's host/,
  )
})
