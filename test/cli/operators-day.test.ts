import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Clone, cloneIn } from '../harness/clone.ts'
import {
  accepted,
  type Gate,
  gitText,
  rejected,
  sharedGate,
  startUpstream,
  type Upstream,
} from '../harness/index.ts'
import { githubToken } from '../scan/fixtures/fakes.ts'
import { gitGate } from './command.ts'

let gate: Gate
let upstream: Upstream
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gate-day-'))
  ;[gate, upstream] = await Promise.all([sharedGate(), startUpstream({ empty: true })])
})
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const run = (...args: string[]) =>
  gitGate(args, { env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken }, cwd: folder })
async function ok(...args: string[]): Promise<string> {
  const ran = await run(...args)
  expect(ran, `${args.join(' ')}: ${ran.stderr}${ran.stdout}`).toMatchObject({ code: 0 })
  return ran.stdout.trim()
}
const pinHostKeys = () => writeFileSync(join(folder, 'known_hosts'), upstream.at().knownHosts)
const Pending = z.array(
  z.object({ push: z.string(), finding: z.object({ fingerprint: z.string(), path: z.string() }) }),
)
const pending = async () =>
  Pending.parse(JSON.parse(await ok('pending', 'list', '--repository', 'acme/day', '--json')))

let work: Clone

test('a repository, its agent and its rights; the token is rotated, and the grant narrowed', async () => {
  upstream.authorize(await ok('identity', 'new', 'day'))
  expect(await ok('identity', 'show', 'day')).toMatch(/^ssh-ed25519 /)
  pinHostKeys()
  const { url } = upstream.at()
  await ok('repo', 'add', 'acme/day', '--upstream', url, '--identity', 'day', '--known-hosts', 'known_hosts')
  expect(await ok('doctor', 'acme/day')).toContain('the upstream takes pushes')
  await ok('agent', 'add', 'ada')
  await ok('grant', 'set', 'ada', 'acme/day', '--push', '{agent}/**', 'main', '--deny-path', 'ci/**')
  expect(await ok('grant', 'set', 'ada', 'acme/day', '--max-blob-bytes', '100000')).toMatch(
    /before: .*not ci\/\*\*.*\nafter: .*not ci\/\*\*.*files up to 100000 bytes/,
  )
  const first = await ok('token', 'mint', 'ada', '--label', 'vm')
  const token = await ok('token', 'rotate', first)
  const tokens = z
    .array(
      z.object({ label: z.string(), expiresAt: z.string().nullable(), revokedAt: z.string().nullable() }),
    )
    .parse(JSON.parse(await ok('token', 'list', 'ada', '--json')))
  expect(tokens.map(({ label, revokedAt }) => [label, revokedAt !== null])).toEqual(
    expect.arrayContaining([
      ['vm', false],
      ['vm', true],
    ]),
  )
  for (const { expiresAt } of tokens)
    expect((Date.parse(expiresAt ?? '') - Date.now()) / 86_400_000).toBeCloseTo(90, 0)

  work = cloneIn(join(folder, 'work'))
  await gitText(['init', '-q', work.dir])
  await work.text(['remote', 'add', 'origin', `${gate.url.replace('://', `://ada:${token}@`)}/acme/day.git`])
})

test('the twelve findings of a first import are its baseline, by one decision', async () => {
  for (let i = 0; i < 12; i += 1)
    await work.commit(`Change ${i}`, { [`old/${i}.ts`]: `export const token = '${githubToken()}'\n` })
  expect(await work.push('HEAD:main')).toMatchObject(rejected)
  const waiting = await pending()
  expect(waiting).toHaveLength(12)
  const [{ push } = { push: '' }] = waiting
  expect(await ok('exception', 'add', 'acme/day', '--push', push, '--reason', 'the baseline')).toBe(
    'granted 12 exceptions in acme/day',
  )
  expect(await pending()).toEqual([])
  expect(await work.push('HEAD:main')).toMatchObject(accepted)
})

test('decisions by path and by fingerprint; a finding that was taken out leaves the list by itself', async () => {
  for (const name of ['test/a.ts', 'test/b.ts', 'src/c.ts'])
    await work.commit(name, { [name]: `export const token = '${githubToken()}' // gitleaks:allow\n` })
  expect((await work.push('HEAD:ada/work')).output).toContain('An operator has been asked to let it pass')
  expect(await ok('exception', 'add', 'acme/day', '--path', 'test/**', '--reason', 'made up')).toContain(
    'granted 2',
  )
  const [left] = await pending()
  expect(left?.finding.path).toBe('src/c.ts')
  await ok('pending', 'decline', 'acme/day', left?.finding.fingerprint ?? '', '--reason', 'it is real')
  const declined = await work.push('HEAD:ada/work')
  expect(declined.output).toContain('an operator has declined to let it pass: it is real')
  work.write({ 'src/c.ts': 'export {}\n' })
  await work.text(['commit', '-qa', '--amend', '--no-edit'])
  expect(await work.push('HEAD:ada/work')).toMatchObject(accepted)
  await work.commit('Another', { 'src/d.ts': `export const token = '${githubToken()}'\n` })
  expect(await work.push('HEAD:ada/work')).toMatchObject(rejected)
  expect(await pending()).toHaveLength(1)
  await work.text(['reset', '-q', '--hard', 'HEAD^'])
  await work.commit('Instead')
  expect(await work.push('HEAD:ada/work')).toMatchObject(accepted)
  expect(await pending()).toEqual([])
})

test('the state as a file: applying it changes nothing, and an empty file removes nothing', async () => {
  writeFileSync(join(folder, 'gate.yaml'), await ok('export'))
  expect(await ok('apply', 'gate.yaml', '--prune', '--dry-run')).toBe('nothing to change')
  writeFileSync(join(folder, 'empty.yaml'), '')
  expect((await run('apply', 'empty.yaml', '--prune', '--yes')).stderr).toContain('would remove all of them')
  const bad = readFileSync(join(folder, 'gate.yaml'), 'utf8').replaceAll(
    /knownHosts: [\s\S]*?(?=\n {2}\S|\nagents)/g,
    'knownHosts: ""',
  )
  writeFileSync(join(folder, 'bad.yaml'), bad)
  expect(await run('apply', 'bad.yaml', '--dry-run')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the known hosts have no key'),
  })
  expect(await ok('audit-log', 'export')).toMatch(
    /"action":"exception\.add-many"[\s\S]*"action":"repository\.add"/,
  )
})

test('doctor names one cause and one fix for each breakage', async () => {
  const examine = async (name: string) => {
    const ran = await run('doctor', name)
    expect(ran.code).toBe(1)
    expect(ran.stdout).not.toMatch(/operator|push again/)
    return ran.stdout
      .split('\n')
      .slice(ran.stdout.split('\n').findIndex(line => line.startsWith('FAIL')))
      .join('\n')
  }
  const { url, knownHosts } = upstream.at()
  const key = await ok('identity', 'new', 'stranger')
  writeFileSync(join(folder, 'known_hosts'), knownHosts)
  const add = (name: string, ...options: string[]) =>
    ok('repo', 'add', name, '--known-hosts', 'known_hosts', ...options)
  await add('wrong-key', '--upstream', url, '--identity', 'stranger')
  const wrongKey = await examine('wrong-key')
  expect(wrongKey).toMatch(/does not accept the identity "stranger"/)
  expect(wrongKey).toContain(key.split(' ').slice(0, 2).join(' '))

  upstream.authorize(key)
  await add('missing', '--upstream', `${url}-gone`, '--identity', 'stranger')
  expect(await examine('missing')).toMatch(/no such repository .*\n +.*--upstream URL/)

  await upstream.changeHostKey()
  expect(await examine('wrong-key')).toMatch(
    /host key .*\(it shows SHA256:\S+, pinned: SHA256:\S+\).*\n +.*--known-hosts FILE/,
  )
  pinHostKeys()
  await ok('repo', 'set', 'wrong-key', '--known-hosts', 'known_hosts')
  await ok('doctor', 'wrong-key')

  await upstream.stop()
  try {
    expect(await examine('wrong-key')).toMatch(/cannot be reached/)
  } finally {
    await upstream.start()
  }
})
