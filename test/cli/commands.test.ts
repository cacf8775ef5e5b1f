import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { Repository } from '../../src/contract/admin-api/repositories.ts'
import { hostKey } from '../api/fixtures/admin-gate.ts'
import { gitGate } from './command.ts'
import { type Operator, startOperator } from './fixtures/operator.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
}, 60_000)
afterAll(() => operator[Symbol.asyncDispose]())

test('an operator sets up an empty gate', async () => {
  expect(await operator.ok('identity', 'new', 'deploy')).toMatch(/^ssh-ed25519 \S+ .*\n$/)
  await operator.ok(
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
  expect(await operator.ok('repo', 'list')).toContain('github.com/acme/app')
  await operator.ok('agent', 'add', 'ada', '--grant', 'github.com/acme/app')
  expect(await operator.json('grant', 'list', 'ada')).toMatchObject([
    {
      repository: 'github.com/acme/app',
      terms: {
        rules: [{ pattern: 'refs/heads/{agent}/**', allow: ['create', 'update', 'force', 'delete'] }],
      },
    },
  ])
  const token = await operator.ok('token', 'mint', 'ada')
  expect(token).toMatch(/^gate_[a-z2-7]+_[A-Za-z0-9]+\n$/)
  const [, id = ''] = token.split('_')
  expect(await operator.ok('token', 'list')).toContain(id)
  expect(await operator.ok('token', 'revoke', id)).toContain(id)
  expect(await operator.json('token', 'list', 'ada')).toMatchObject([{ id, revokedAt: expect.any(String) }])
  expect(await operator.ok('doctor')).toMatch(/^ok .*companion/m)
  expect(await operator.ok('repo', 'show', 'github.com/acme/app')).toContain(
    `${operator.gate.url}/github.com/acme/app.git`,
  )
})

test('repo set changes only the given settings, and keeps the grants', async () => {
  for (const name of ['first', 'second']) await operator.gate.json('POST', '/identities', { name })
  const at = ['--upstream', 'git@github.com:acme/set.git', '--known-hosts', 'known_hosts']
  await operator.ok('repo', 'add', 'set', ...at, '--identity', 'first', '--stale-reads')
  await operator.gate.json('POST', '/agents', { name: 'setter' })
  await operator.gate.json('PUT', '/grants/setter/set', { rules: [] })
  const before = z.record(z.string(), z.unknown()).parse(await operator.gate.json('GET', '/repositories/set'))
  writeFileSync(join(operator.folder, 'other_hosts'), hostKey('github.com'))
  writeFileSync(join(operator.folder, 'gitleaks.toml'), '[extend]\n')

  const knownHosts = readFileSync(join(operator.folder, 'other_hosts'), 'utf8')
  expect(await operator.json('repo', 'set', 'set', '--known-hosts', 'other_hosts')).toEqual({
    ...before,
    knownHosts,
  })
  expect(
    await operator.json('repo', 'set', 'SET', '--no-stale-reads', '--gitleaks-config', 'gitleaks.toml'),
  ).toEqual({
    ...before,
    knownHosts,
    staleReads: false,
    gitleaksConfig: '[extend]\n',
  })
  await operator.ok(
    'repo',
    'set',
    'set',
    '--identity',
    'second',
    '--upstream',
    'git@github.com:acme/moved.git',
  )
  expect(await operator.gate.json('GET', '/repositories/set')).toEqual({
    ...before,
    knownHosts,
    staleReads: false,
    gitleaksConfig: '[extend]\n',
    identity: 'second',
    upstream: 'git@github.com:acme/moved.git',
  })
  expect(await operator.gate.json('GET', '/grants?agent=setter')).toMatchObject([{ repository: 'set' }])

  const readRefs = async (...patterns: string[]) =>
    Repository.parse(await operator.json('repo', 'set', 'set', ...patterns)).readRefs
  expect(await readRefs('--read-refs', 'refs/pull/*/head', 'refs/changes/**')).toEqual([
    'refs/pull/*/head',
    'refs/changes/*',
  ])
  expect(await readRefs('--stale-reads')).toHaveLength(2)
  expect(await operator.run('repo', 'set', 'set', '--read-refs', 'refs/heads/*')).toMatchObject({ code: 1 })
  expect(await readRefs('--no-read-refs')).toEqual([])

  expect(await operator.run('repo', 'set', 'set')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no setting is given'),
  })
  expect(await operator.run('repo', 'add', 'set', ...at, '--identity', 'first')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('git gate repo set set'),
  })
})

test('errors go to stderr with a fix, with exit code 2 for an invalid command line, else 1', async () => {
  const failure = async (...args: string[]) => {
    const { code, stdout, stderr } = await operator.run(...args)
    expect(stdout).toBe('')
    expect(stderr).not.toMatch(/at .*\.ts:\d+|unexpected error/)
    return `${code} ${stderr}`
  }
  // A repetition of this test finds the agent.
  await operator.run('agent', 'add', 'bob')
  expect(await failure('grant', 'set', 'bob', 'github.com/acme/app')).toMatch(/^2 .*--read/s)
  expect(await failure('grant', 'set', 'bob', 'github.com/acme/app', '--push', '{agnet}/**')).toMatch(
    /^2 .*\{agent\}/s,
  )
  expect(
    await failure('grant', 'set', 'bob', 'github.com/acme/app', '--push', 'main', '--max-blob-bytes', 'many'),
  ).toMatch(/^2 /)
  const privateKey = join(operator.folder, 'id_ed25519')
  writeFileSync(privateKey, '-----BEGIN OPENSSH PRIVATE KEY-----\n')
  for (const [option, value] of [
    ['--deny-path', ''],
    ['--email', ''],
    ['--allowed-signers', privateKey],
  ] as const)
    expect(
      await failure('grant', 'set', 'bob', 'github.com/acme/app', '--push', 'main', option, value),
      option,
    ).toMatch(/^2 git-gate: \S+.*: /)
  expect(await failure('grant', 'set', 'nobody', 'github.com/acme/app', '--push', 'main')).toMatch(
    /^1 .*no agent nobody/s,
  )
  expect(await failure('repo', 'add', 'x')).toMatch(/^2 .*--upstream/s)
  expect(await failure('repo', 'frobnicate')).toMatch(/^2 /)
  expect(await failure('agent', 'add', 'A B')).toMatch(/^1 /)
  expect(await failure('agent', 'add', 'bob')).toMatch(/^1 .*already/s)
  expect(await failure('token', 'mint', 'bob', '--expires', 'soon')).toMatch(/^2 .*30d/s)
  expect(await failure('push', 'show', 'nothing')).toMatch(/^1 .*no push nothing/s)
  expect(await failure('push', 'list', '--outcome', 'fine')).toMatch(/^2 /)
  expect(await failure('apply', 'missing.yaml')).toMatch(/^1 .*no file missing\.yaml/s)
  const refused = await operator.run('push', 'show', 'nothing', '--json')
  expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'not-found' } })
})

test('a date is the start of that day in the local time zone, in options and in tables', async () => {
  await operator.ok('agent', 'add', 'dated')
  const [zone, beginning] = ['America/New_York', '2099-01-31T05:00:00.000Z']
  const runInZone = (...args: string[]) => gitGate(args, { env: { ...operator.env, TZ: zone } })
  const minted = await runInZone('token', 'mint', 'dated', '--expires', '2099-01-31', '--json')
  expect(JSON.parse(minted.stdout)).toMatchObject({ expiresAt: beginning })
  expect((await runInZone('token', 'list', 'dated')).stdout).toMatch(/ 2099-01-31 00:00$/m)
})

const Minted = z.object({ id: z.string(), token: z.string() })

test('a leaked token can be revoked by its full text, an admin token too', async () => {
  const admins = Minted.parse(await operator.json('admin-token', 'mint', 'leaked'))
  expect(await operator.json('admin-token', 'revoke', admins.token)).toMatchObject({
    id: admins.id,
    revokedAt: expect.any(String),
  })
  await operator.ok('agent', 'add', 'leaky')
  const agents = Minted.parse(await operator.json('token', 'mint', 'leaky'))
  expect(await operator.json('token', 'revoke', agents.token)).toMatchObject({
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
    [['admin-token', 'revoke', operator.gate.adminToken], /GATE_ADMIN_TOKEN/],
    [['token', 'revoke', `"${agents}"`], /git gate token list/],
  ])
  for (const [args, remedy] of expectedFixes) {
    const ran = await gitGate(args, { env: { ...operator.env, GATE_URL: 'http://127.0.0.1:1' } })
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(remedy) })
    expect(ran.stderr).not.toContain(secret)
    expect(ran.stderr).not.toContain(operator.gate.adminToken)
  }
  const unknown = await operator.run('admin-token', 'revoke', admins)
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('no admin token abcdefghij') })
  expect(unknown.stderr).not.toContain(secret)
})

test('agent-config rejects an unknown, revoked or expired token, and says which and why', async () => {
  await operator.ok('agent', 'add', 'configured')
  const mint = async () => Minted.parse(await operator.json('token', 'mint', 'configured'))
  const [good, revoked, expired] = [await mint(), await mint(), await mint()]
  expect(await operator.ok('agent-config', '--token', good.token)).toContain(', for configured.')
  await operator.ok('token', 'revoke', revoked.id)
  await operator.gate.ledger.prepare('UPDATE tokens SET expires_at = 1 WHERE id = ?').bind(expired.id).run()

  for (const [token, why] of [
    [revoked.token, `token ${revoked.id} of configured was revoked`],
    [expired.token, `token ${expired.id} of configured expired`],
    [`gate_abcdefghij_${'x'.repeat(32)}`, 'there is no token abcdefghij'],
  ] as const) {
    const ran = await operator.run('agent-config', 'configured', '--token', token)
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
      await operator.json(
        'exception',
        'add',
        'github.com/acme/app',
        'a1'.repeat(16),
        '--reason',
        'a test key',
        '--until',
        '30d',
      ),
    )
  expect(await operator.ok('exception', 'list', '--repository', 'github.com/acme/app')).toContain(
    'a1'.repeat(16),
  )
  expect(await operator.ok('exception', 'revoke', granted.id)).toContain('refused')
})

test('a command prints its help', async () => {
  expect(await operator.ok('repo', 'add', '--help')).toMatch(/Usage: git-gate .*--json/s)
})
