import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { GrantTerms } from '../../src/contract/grant.ts'
import { type AdminGate, hostKey, startAdminGate } from '../api/fixtures/admin-gate.ts'
import { gitGate } from './command.ts'

let gate: AdminGate
let folder: string
beforeAll(async () => {
  gate = await startAdminGate()
  folder = mkdtempSync(join(tmpdir(), 'gate-grants-'))
  writeFileSync(join(folder, 'known_hosts'), hostKey('[127.0.0.1]:2222'))
  await gate.json('POST', '/identities', { name: 'deploy' })
  await ok(
    ...['repo', 'add', 'demo', '--upstream', 'ssh://git@127.0.0.1:2222/srv/demo.git'],
    ...['--identity', 'deploy', '--known-hosts', 'known_hosts'],
  )
}, 60_000)
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await gate[Symbol.asyncDispose]()
})

const run = (...args: string[]) =>
  gitGate(args, { env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken }, cwd: folder })
async function ok(...args: string[]): Promise<string> {
  const ran = await run(...args)
  expect(ran, `${args.join(' ')}: ${ran.stderr}`).toMatchObject({ code: 0 })
  return ran.stdout
}
const Granted = z.object({ terms: GrantTerms })
const set = async (agent: string, ...args: string[]) =>
  Granted.parse(JSON.parse(await ok('grant', 'set', agent, 'demo', ...args, '--json'))).terms
async function restricted(agent: string): Promise<GrantTerms> {
  await ok('agent', 'add', agent)
  return set(
    agent,
    ...['--push', '{agent}/**', 'topic/*', '--force', '{agent}/**', '--delete', '{agent}/**'],
    ...['--deny', 'main', '--deny-path', '.github/**', '*.lock', '--email', '*@example.com'],
    ...['--no-symlinks', '--no-submodules', '--max-blob-bytes', '1000', '--push-options', 'ci.*'],
    ...['--pull-requests', 'main'],
  )
}

test('a change of a grant keeps every part that it does not name', async () => {
  const before = await restricted('ada')
  const withTags = await set('ada', '--tags', 'v*')
  expect(withTags).toEqual({
    ...before,
    rules: [...before.rules, { pattern: 'refs/tags/v*', allow: ['create'], deny: [] }],
  })
  expect(await set('ada', '--push', 'main2')).toEqual({
    ...withTags,
    rules: [
      { pattern: 'refs/heads/main', allow: [], deny: ['create', 'update', 'force', 'delete'] },
      { pattern: 'refs/heads/{agent}/**', allow: ['force', 'delete'], deny: [] },
      { pattern: 'refs/tags/v*', allow: ['create'], deny: [] },
      { pattern: 'refs/heads/main2', allow: ['create', 'update'], deny: [] },
    ],
  })
  expect((await set('ada', '--no-delete', '--no-push')).rules).toEqual([
    { pattern: 'refs/heads/main', allow: [], deny: ['create', 'update', 'force', 'delete'] },
    { pattern: 'refs/heads/{agent}/**', allow: ['force'], deny: [] },
    { pattern: 'refs/tags/v*', allow: ['create'], deny: [] },
  ])
})

test('the grant before and after a change is printed', async () => {
  await ok('agent', 'add', 'bert')
  await set('bert', '--push', 'bert/**', '--deny-path', 'ci/**')
  const printed = await ok('grant', 'set', 'bert', 'demo', '--push', 'fix/**')
  expect(printed).toMatch(
    /^before: bert\/\*\* .*not ci\/\*\*\nafter: {2}bert in demo: fix\/\*\* .*not ci\/\*\*\n$/,
  )
})

test.each([
  [['--no-deny'], 'the deny of create of refs/heads/main'],
  [['--deny-path', '*.lock'], 'the denied path .github/**'],
  [['--no-email'], 'the e-mail addresses *@example.com'],
  [['--symlinks'], 'the refusal of symbolic links'],
  [['--max-blob-bytes', '2000'], 'the limit of 1000 bytes a file'],
  [['--replace', '--push', 'main'], 'the refusal of submodules'],
])('a change that drops a restriction needs --yes without a terminal: %j', async (args, restriction) => {
  const agent = `cy-${args.join('').replaceAll(/[^a-z]/g, '')}`
  const before = await restricted(agent)
  const refused = await run('grant', 'set', agent, 'demo', ...args)
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toContain(restriction)
  expect(refused.stderr).toContain('--yes')
  expect(await gate.json('GET', `/grants/${agent}/demo`)).toMatchObject({ terms: before })
  await ok('grant', 'set', agent, 'demo', ...args, '--yes')
  expect(await gate.json('GET', `/grants/${agent}/demo`)).not.toMatchObject({ terms: before })
})

test('the change log has the grant before and after', async () => {
  await ok('agent', 'add', 'dora')
  const before = await set('dora', '--push', 'a/**')
  const after = await set('dora', '--push', 'b/**')
  const changes = z
    .array(z.object({ action: z.string(), subject: z.string(), detail: z.unknown() }))
    .parse(JSON.parse(await ok('change', 'list', '--json')))
  expect(changes.find(each => each.action === 'grant.set' && each.subject === 'dora demo')?.detail).toEqual({
    before,
    terms: after,
  })
})
