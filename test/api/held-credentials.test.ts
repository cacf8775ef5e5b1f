import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gitGate } from '../cli/command.ts'
import { type Gate, startGate } from '../harness/index.ts'

let gate: Gate
beforeAll(async () => {
  gate = await startGate()
})
afterAll(() => gate[Symbol.asyncDispose]())

const file = (name: string) => path.join(gate.companion.home, 'credentials', name)
const cli = async (args: readonly string[], input = '') => {
  const env = { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken }
  const ran = await gitGate([...args, '--json'], { env, input })
  return { ...ran, json: ran.code === 0 ? JSON.parse(ran.stdout) : JSON.parse(ran.stderr).error }
}
const newToken = () => randomBytes(20).toString('hex')

test('a credential is set, changed, listed and removed, and its secret is in its file alone', async () => {
  const [first, second] = [newToken(), newToken()]
  const set = await cli(['credential', 'set', 'gitlab', '--user', 'oauth2'], `${first}\n`)
  expect(set.json).toMatchObject({ name: 'gitlab', user: 'oauth2', app: null })
  expect(fs.readFileSync(file('gitlab'), 'utf8')).toBe(`${first}\n`)
  expect(fs.statSync(file('gitlab')).mode & 0o777).toBe(0o600)
  expect(fs.statSync(path.dirname(file('gitlab'))).mode & 0o777).toBe(0o700)

  await cli(['credential', 'set', 'gitlab', '--user', 'project_bot'], first)
  // A new token for the same user.
  await cli(['credential', 'set', 'gitlab'], second)
  expect(fs.readFileSync(file('gitlab'), 'utf8')).toBe(`${second}\n`)
  const listed = await cli(['credential', 'list'])
  expect(listed.json).toMatchObject([{ name: 'gitlab', user: 'project_bot' }])
  const changes = JSON.stringify(await gate.admin.request('GET', '/audit-log'))
  expect(changes).toContain('credential.set')
  for (const text of [set.stdout, listed.stdout, changes, gate.log.join('\n')])
    for (const secret of [first, second]) expect(text).not.toContain(secret)

  expect((await cli(['credential', 'remove', 'gitlab'])).code).toBe(0)
  expect(fs.existsSync(file('gitlab'))).toBe(false)
  expect((await cli(['credential', 'remove', 'gitlab'])).json.message).toBe('there is no credential gitlab')
})

const put = (name: string, settings: object) => gate.admin.request('PUT', `/credentials/${name}`, settings)

test('a GitHub App is set with its key, and no other secret is taken for one', async () => {
  const key = [
    '-----BEGIN RSA PRIVATE',
    ' KEY-----\n',
    'A'.repeat(64),
    '\n-----END RSA PRIVATE',
    ' KEY-----\n',
  ].join('')
  const app = ['credential', 'set', 'acme', '--github-app', '123', '--installation', '456', '--workflows']
  expect((await cli(app, key)).json).toMatchObject({
    user: 'x-access-token',
    app: { id: '123', installation: '456', apiUrl: 'https://api.github.com', workflows: true },
  })
  const installed = { id: '123', installation: '456' }
  await expect(put('acme', { app: installed, secret: newToken() })).rejects.toThrow(
    /in PEM; the secret is not a private key/,
  )
  await expect(put('other', { user: 'git', secret: key })).rejects.toThrow(/the secret is a private key/)
  const inClear = { ...installed, apiUrl: 'http://api.example.org' }
  await expect(put('acme', { app: inClear, secret: key })).rejects.toThrow(/must be https/)
  await expect(put('new', { secret: newToken() })).rejects.toThrow(/needs the user name/)
})

test.each([
  ['no token', ''],
  ['a token of two lines', 'one\npassword=two'],
  ['a token with a control character', 'two\x00e'],
])('%s is refused without being quoted', async (_, secret) => {
  await expect(put('bad', { user: 'git', secret })).rejects.toThrow(/^secret: (?!.*two)/)
  expect(fs.existsSync(file('bad'))).toBe(false)
})

test('a repository over HTTPS has a credential and no SSH settings, and changes over from SSH', async () => {
  await put('forge', { user: 'git', secret: newToken() })
  const upstream = 'https://forge.example.org/acme/app.git'
  const add = (settings: object) =>
    gate.admin.request('POST', '/repositories', { name: 'acme/app', upstream, ...settings })
  await expect(add({})).rejects.toThrow(/an HTTPS upstream needs a credential/)
  await expect(add({ credential: 'nobody' })).rejects.toThrow(/there is no credential nobody/)
  const held = { credential: 'forge' }
  await expect(add({ ...held, identity: 'for-app' })).rejects.toThrow(/has no identity/)
  await expect(add({ ...held, proxy: 'http://a:b@proxy.example.org:3128' })).rejects.toThrow(
    /without a user name/,
  )
  await expect(add({ ...held, ca: 'none' })).rejects.toThrow(/not certificates in PEM/)
  const options = [
    '--upstream',
    upstream,
    '--credential',
    'forge',
    '--proxy',
    'http://proxy.example.org:3128',
  ]
  expect((await cli(['repo', 'add', 'acme/app', ...options])).json).toMatchObject({
    credential: 'forge',
    identity: null,
    proxy: 'http://proxy.example.org:3128',
  })
  await expect(gate.admin.request('DELETE', '/credentials/forge')).rejects.toThrow(
    /forge is used by acme\/app/,
  )

  const moved = await cli(['repo', 'set', 'app', '--upstream', upstream, '--credential', 'forge'])
  expect(moved.json).toMatchObject({ credential: 'forge', identity: null, knownHosts: '' })
})
