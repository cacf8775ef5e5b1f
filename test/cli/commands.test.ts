import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { projectRoot } from '../../local/worker/bundle.ts'
import { Repository } from '../../src/contract/admin-api/repositories.ts'
import { GrantTerms } from '../../src/contract/grant.ts'
import { type AdminGate, hostKey, startAdminGate } from '../api/fixtures/admin-gate.ts'
import { startAccessProxy } from './access-proxy.ts'
import { gitGate } from './command.ts'

let gate: AdminGate
let folder: string
beforeAll(async () => {
  gate = await startAdminGate()
  folder = mkdtempSync(join(tmpdir(), 'gate-cli-'))
  writeFileSync(join(folder, 'known_hosts'), hostKey('github.com') + hostKey('[127.0.0.1]:2222'))
}, 60_000)
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await gate[Symbol.asyncDispose]()
})

const env = () => ({ GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken })
const run = (...args: string[]) => gitGate(args, { env: env(), cwd: folder })
/** Runs a command that must succeed, and answers with its stdout. */
async function ok(...args: string[]): Promise<string> {
  const ran = await run(...args)
  expect(ran, `${args.join(' ')}: ${ran.stderr}`).toMatchObject({ code: 0 })
  return ran.stdout
}
const json = async (...args: string[]): Promise<unknown> => JSON.parse(await ok(...args, '--json'))

test('an operator sets up an empty gate', async () => {
  expect(await ok('identity', 'new', 'deploy')).toMatch(/^ssh-ed25519 \S+ .*\n$/)
  await ok(
    'repo',
    'add',
    'github.com/acme/app',
    '--upstream',
    'git@github.com:acme/app.git',
    '--identity',
    'deploy',
    '--known-hosts',
    'known_hosts',
  )
  expect(await ok('repo', 'list')).toContain('github.com/acme/app')
  await ok('agent', 'add', 'ada', '--grant', 'github.com/acme/app')
  expect(await json('grant', 'list', 'ada')).toMatchObject([
    {
      repository: 'github.com/acme/app',
      terms: {
        rules: [{ pattern: 'refs/heads/{agent}/**', allow: ['create', 'update', 'force', 'delete'] }],
      },
    },
  ])
  const token = await ok('token', 'mint', 'ada')
  expect(token).toMatch(/^gate_[a-z2-7]+_[A-Za-z0-9]+\n$/)
  const [, id = ''] = token.split('_')
  expect(await ok('token', 'list')).toContain(id)
  expect(await ok('token', 'revoke', id)).toContain(id)
  expect(await json('token', 'list', 'ada')).toMatchObject([{ id, revokedAt: expect.any(String) }])
  expect(await ok('doctor')).toMatch(/^ok .*companion/m)
  expect(await ok('repo', 'show', 'github.com/acme/app')).toContain(`${gate.url}/github.com/acme/app.git`)
})

test('repo set changes only the given settings, and keeps the grants', async () => {
  for (const name of ['first', 'second']) await gate.json('POST', '/identities', { name })
  const at = ['--upstream', 'git@github.com:acme/set.git', '--known-hosts', 'known_hosts']
  await ok('repo', 'add', 'set', ...at, '--identity', 'first', '--stale-reads')
  await gate.json('POST', '/agents', { name: 'setter' })
  await gate.json('PUT', '/grants/setter/set', { rules: [] })
  const before = z.record(z.string(), z.unknown()).parse(await gate.json('GET', '/repositories/set'))
  writeFileSync(join(folder, 'other_hosts'), hostKey('github.com'))
  writeFileSync(join(folder, 'gitleaks.toml'), '[extend]\n')

  const knownHosts = readFileSync(join(folder, 'other_hosts'), 'utf8')
  expect(await json('repo', 'set', 'set', '--known-hosts', 'other_hosts')).toEqual({ ...before, knownHosts })
  expect(await json('repo', 'set', 'SET', '--no-stale-reads', '--gitleaks-config', 'gitleaks.toml')).toEqual({
    ...before,
    knownHosts,
    staleReads: false,
    gitleaksConfig: '[extend]\n',
  })
  await ok('repo', 'set', 'set', '--identity', 'second', '--upstream', 'git@github.com:acme/moved.git')
  expect(await gate.json('GET', '/repositories/set')).toEqual({
    ...before,
    knownHosts,
    staleReads: false,
    gitleaksConfig: '[extend]\n',
    identity: 'second',
    upstream: 'git@github.com:acme/moved.git',
  })
  expect(await gate.json('GET', '/grants?agent=setter')).toMatchObject([{ repository: 'set' }])

  const readRefs = async (...patterns: string[]) =>
    Repository.parse(await json('repo', 'set', 'set', ...patterns)).readRefs
  expect(await readRefs('--read-refs', 'refs/pull/*/head', 'refs/changes/**')).toEqual([
    'refs/pull/*/head',
    'refs/changes/*',
  ])
  expect(await readRefs('--stale-reads')).toHaveLength(2)
  expect(await run('repo', 'set', 'set', '--read-refs', 'refs/heads/*')).toMatchObject({ code: 1 })
  expect(await readRefs('--no-read-refs')).toEqual([])

  expect(await run('repo', 'set', 'set')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no setting is given'),
  })
  expect(await run('repo', 'add', 'set', ...at, '--identity', 'first')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('git gate repo set set'),
  })
})

const Granted = z.object({ terms: GrantTerms })
const terms = async (...args: string[]) =>
  Granted.parse(await json('grant', 'set', 'bob', 'demo', '--replace', '--yes', ...args)).terms

test('the options of grant set become rules and limits', async () => {
  await ok('identity', 'new', 'bobs')
  await ok(
    'repo',
    'add',
    'demo',
    '--upstream',
    'ssh://git@127.0.0.1:2222/srv/demo.git',
    '--identity',
    'bobs',
    '--known-hosts',
    'known_hosts',
  )
  await ok('agent', 'add', 'bob')

  expect((await terms('--push', 'main', 'rel/*')).rules).toEqual([
    { pattern: 'refs/heads/main', allow: ['create', 'update'], deny: [] },
    { pattern: 'refs/heads/rel/*', allow: ['create', 'update'], deny: [] },
  ])
  expect(
    (
      await terms(
        '--push',
        'refs/heads/**',
        '--deny',
        'main',
        '--force',
        '{agent}/**',
        '--delete',
        '{agent}/**',
        '--tags',
        'v*',
      )
    ).rules,
  ).toEqual([
    { pattern: 'refs/heads/main', allow: [], deny: ['create', 'update', 'force', 'delete'] },
    { pattern: 'refs/heads/**', allow: ['create', 'update'], deny: [] },
    { pattern: 'refs/heads/{agent}/**', allow: ['force', 'delete'], deny: [] },
    { pattern: 'refs/tags/v*', allow: ['create'], deny: [] },
  ])
  expect(
    await terms(
      '--push',
      '**',
      '--push-options',
      'ci.*',
      'topic=*',
      '--deny-path',
      '.github/**',
      '--email',
      '*@example.com',
      '--no-symlinks',
      '--no-submodules',
      '--max-blob-bytes',
      '1000',
    ),
  ).toMatchObject({
    pushOptions: ['ci.*', 'topic=*'],
    denyPaths: ['.github/**'],
    emails: ['*@example.com'],
    symlinks: false,
    submodules: false,
    maxBlobBytes: 1000,
  })
  expect(await terms('--read')).toMatchObject({
    rules: [],
    symlinks: true,
    submodules: true,
    pushOptions: [],
  })
  await ok('grant', 'remove', 'bob', 'demo')
  expect(await json('grant', 'list', 'bob')).toEqual([])
})

test('errors go to stderr with a fix, with exit code 2 for an invalid command line, else 1', async () => {
  const failure = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args)
    expect(stdout).toBe('')
    expect(stderr).not.toMatch(/at .*\.ts:\d+|unexpected error/)
    return `${code} ${stderr}`
  }
  expect(await failure('grant', 'set', 'bob', 'demo')).toMatch(/^2 .*--read/s)
  expect(await failure('grant', 'set', 'bob', 'demo', '--push', '{agnet}/**')).toMatch(/^2 .*\{agent\}/s)
  expect(await failure('grant', 'set', 'bob', 'demo', '--push', 'main', '--max-blob-bytes', 'many')).toMatch(
    /^2 /,
  )
  const privateKey = join(folder, 'id_ed25519')
  writeFileSync(privateKey, '-----BEGIN OPENSSH PRIVATE KEY-----\n')
  for (const [option, value] of [
    ['--deny-path', ''],
    ['--email', ''],
    ['--allowed-signers', privateKey],
  ] as const)
    expect(await failure('grant', 'set', 'bob', 'demo', '--push', 'main', option, value), option).toMatch(
      /^2 git-gate: \w+.*: /,
    )
  expect(await failure('grant', 'set', 'nobody', 'demo', '--push', 'main')).toMatch(/^1 .*no agent nobody/s)
  expect(await failure('repo', 'add', 'x')).toMatch(/^2 .*--upstream/s)
  expect(await failure('repo', 'frobnicate')).toMatch(/^2 /)
  expect(await failure('agent', 'add', 'A B')).toMatch(/^1 /)
  expect(await failure('agent', 'add', 'bob')).toMatch(/^1 .*already/s)
  expect(await failure('token', 'mint', 'bob', '--expires', 'soon')).toMatch(/^2 .*30d/s)
  expect(await failure('push', 'show', 'nothing')).toMatch(/^1 .*no push nothing/s)
  expect(await failure('push', 'list', '--outcome', 'fine')).toMatch(/^2 /)
  expect(await failure('apply', 'missing.yaml')).toMatch(/^1 .*no file missing\.yaml/s)
  const refused = await run('push', 'show', 'nothing', '--json')
  expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'not-found' } })
})

test('an unreachable gate and an invalid admin token are reported', async () => {
  const listWith = (more: Record<string, string>, cwd = folder) =>
    gitGate(['agent', 'list'], { env: more, cwd })
  expect(await listWith({ ...env(), GATE_URL: 'http://127.0.0.1:1' })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no gate responds'),
  })
  expect(await listWith({ ...env(), GATE_ADMIN_TOKEN: 'wrong' })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('admin'),
  })
  const broken = await listWith({ ...env(), GATE_ADMIN_TOKEN: `${gate.adminToken}\nß` })
  expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining('GATE_ADMIN_TOKEN') })
  expect(broken.stderr).not.toContain(gate.adminToken)
  expect(await listWith({ GATE_HOME: '/nowhere' })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('GATE_URL'),
  })
})

test('a gate behind Cloudflare Access needs a service token, and the error without one says so', async () => {
  await using edge = await startAccessProxy(gate.url)
  const list = (more: Record<string, string>) =>
    gitGate(['agent', 'list'], { env: { ...env(), GATE_URL: edge.url, ...more } })
  expect(await list({})).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/redirects to https:\/\/acme\.example\n.*GATE_ACCESS_CLIENT_ID/s),
  })
  expect(await list({ GATE_ACCESS_CLIENT_ID: edge.id })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('needs an id and a secret'),
  })
  const accepted = await list({ GATE_ACCESS_CLIENT_ID: edge.id, GATE_ACCESS_CLIENT_SECRET: edge.secret })
  expect(accepted).toMatchObject({ code: 0, stderr: '' })
})

test('the command finds a local gate by its admin file, and runs through a symbolic link', async () => {
  mkdirSync(join(folder, 'home'))
  writeFileSync(join(folder, 'home/admin.json'), JSON.stringify({ url: gate.url, token: gate.adminToken }))
  expect(await gitGate(['agent', 'list'], { env: { GATE_HOME: join(folder, 'home') } })).toMatchObject({
    code: 0,
  })
  expect(await gitGate(['agent', 'list'], { env: { GATE_HOME: 'home' }, cwd: folder })).toMatchObject({
    code: 0,
  })
  for (const url of [`${gate.url}/`, gate.url.replace('http', 'HTTP')])
    expect(
      await gitGate(['agent', 'list'], { env: { GATE_HOME: join(folder, 'home'), GATE_URL: url } }),
      url,
    ).toMatchObject({ code: 0 })
  mkdirSync(join(folder, 'bin'))
  symlinkSync(`${projectRoot}/cli/git-gate`, join(folder, 'bin/git-gate'))
  const out = execFileSync('git', ['gate', 'repo', 'list', '--json'], {
    cwd: folder,
    env: { ...env(), PATH: `${join(folder, 'bin')}:${process.env.PATH}` },
    encoding: 'utf8',
  })
  expect(JSON.parse(out)).toBeInstanceOf(Array)
})

test('the token of a local gate is not sent to another gate', async () => {
  const home = mkdtempSync(join(folder, 'other-'))
  writeFileSync(join(home, 'admin.json'), JSON.stringify({ url: gate.url, token: gate.adminToken }))
  for (const url of ['http://127.0.0.1:1', `${gate.url}/elsewhere`])
    expect(await gitGate(['agent', 'list'], { env: { GATE_HOME: home, GATE_URL: url } }), url).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GATE_ADMIN_TOKEN is not set'),
    })
})

test('a date is the start of that day in the local time zone, in options and in tables', async () => {
  await ok('agent', 'add', 'dated')
  const [zone, beginning] = ['America/New_York', '2099-01-31T05:00:00.000Z']
  const runInZone = (...args: string[]) => gitGate(args, { env: { ...env(), TZ: zone } })
  const minted = await runInZone('token', 'mint', 'dated', '--expires', '2099-01-31', '--json')
  expect(JSON.parse(minted.stdout)).toMatchObject({ expiresAt: beginning })
  expect((await runInZone('token', 'list', 'dated')).stdout).toMatch(/ 2099-01-31 00:00$/m)
})

const Minted = z.object({ id: z.string(), token: z.string() })

test('a leaked token can be revoked by its full text, an admin token too', async () => {
  const admins = Minted.parse(await json('admin-token', 'mint', 'leaked'))
  expect(await json('admin-token', 'revoke', admins.token)).toMatchObject({
    id: admins.id,
    revokedAt: expect.any(String),
  })
  await ok('agent', 'add', 'leaky')
  const agents = Minted.parse(await json('token', 'mint', 'leaky'))
  expect(await json('token', 'revoke', agents.token)).toMatchObject({
    id: agents.id,
    revokedAt: expect.any(String),
  })
})

test('a possible secret is neither sent in a path nor printed in an error', async () => {
  const secret = 'Sx'.repeat(16)
  const [agents, admins] = [`gate_abcdefghij_${secret}`, `gateadmin_abcdefghij_${secret}`]
  const expectedFixes = new Map([
    [['admin-token', 'revoke', agents], /git gate token revoke abcdefghij/],
    [['token', 'revoke', admins], /git gate admin-token revoke abcdefghij/],
    [['admin-token', 'revoke', gate.adminToken], /GATE_ADMIN_TOKEN/],
    [['token', 'revoke', `"${agents}"`], /git gate token list/],
  ])
  for (const [args, remedy] of expectedFixes) {
    const ran = await gitGate(args, { env: { ...env(), GATE_URL: 'http://127.0.0.1:1' } })
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(remedy) })
    expect(ran.stderr).not.toContain(secret)
    expect(ran.stderr).not.toContain(gate.adminToken)
  }
  const unknown = await run('admin-token', 'revoke', admins)
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('no admin token abcdefghij') })
  expect(unknown.stderr).not.toContain(secret)
})

test('agent-config rejects an unknown, revoked or expired token, and says which and why', async () => {
  await ok('agent', 'add', 'configured')
  const mint = async () => Minted.parse(await json('token', 'mint', 'configured'))
  const [good, revoked, expired] = [await mint(), await mint(), await mint()]
  expect(await ok('agent-config', '--token', good.token)).toContain(', for configured.')
  await ok('token', 'revoke', revoked.id)
  await gate.ledger.prepare('UPDATE tokens SET expires_at = 1 WHERE id = ?').bind(expired.id).run()

  for (const [token, why] of [
    [revoked.token, `token ${revoked.id} of configured was revoked`],
    [expired.token, `token ${expired.id} of configured expired`],
    [`gate_abcdefghij_${'x'.repeat(32)}`, 'there is no token abcdefghij'],
  ] as const) {
    const ran = await run('agent-config', 'configured', '--token', token)
    expect(ran, why).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toContain(why)
    expect(ran.stderr).toContain('git gate token mint configured')
    expect(ran.stderr).not.toContain(token)
  }
})

test('exceptions are granted and revoked', async () => {
  const granted = z
    .object({ id: z.string() })
    .parse(
      await json('exception', 'add', 'demo', 'a1'.repeat(16), '--reason', 'a test key', '--until', '30d'),
    )
  expect(await ok('exception', 'list', '--repository', 'demo')).toContain('a1'.repeat(16))
  expect(await ok('exception', 'revoke', granted.id)).toContain('refused')
})

test('a command prints its help', async () => {
  expect(await ok('repo', 'add', '--help')).toMatch(/Usage: git-gate .*--json/s)
})
