import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConnectionCheck } from '../../src/contract/admin-api/status.ts'
import { startGitHubApi } from '../harness/hosts/github-api.ts'
import { type HttpsHost, makeCertificates, startHttpsHost } from '../harness/hosts/https-host.ts'
import { listProcesses, placesOfSecret } from '../harness/hosts/places-of-secret.ts'
import {
  accepted,
  type Gate,
  rejected,
  seconds,
  sharedGate,
  startUpstream,
  type Upstream,
  until,
} from '../harness/index.ts'
import { startProxy } from '../harness/network/proxy.ts'

const certificates = makeCertificates()
const token = randomBytes(20).toString('hex')
const own = { push: ['{agent}/**'], force: ['{agent}/**'], tags: ['v*'] }

let gate: Gate
let upstream: Upstream
let host: HttpsHost
const ends = new AsyncDisposableStack()

beforeAll(async () => {
  upstream = ends.use(await startUpstream())
  host = ends.use(await startHttpsHost(upstream.dir, certificates))
  host.tokens.set(token, 'write')
  gate = ends.use(await sharedGate())
  await gate.admin.request('PUT', '/credentials/bot', { user: 'gate-bot', secret: token })
  await addRepository('web', host.url, 'bot')
}, 60_000)
afterAll(() => ends.disposeAsync())

const addRepository = (name: string, url: string, credential: string, settings: object = {}) =>
  gate.admin.request('POST', '/repositories', {
    name,
    upstream: url,
    credential,
    ca: certificates.ca,
    ...settings,
  })
const agent = (name: string, repository = 'web') => gate.agent(name, own, { repository })
const check = async (name: string) =>
  ConnectionCheck.parse(await gate.admin.request('POST', `/repositories/${name}/check`, {})).steps.at(-1)

test('over HTTPS an agent clones, pushes, is refused, and reads what upstream says', async () => {
  const ada = await agent('ada')
  const work = await ada.clone()
  const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  upstream.hook('post-receive', 'echo "open a pull request at https://example.org/1" >&2')
  const pushed = await work.push('HEAD:refs/heads/ada/hello')
  expect(pushed).toMatchObject(accepted)
  expect(pushed.output).toContain('upstream: open a pull request at https://example.org/1')
  expect(await upstream.ref('refs/heads/ada/hello')).toBe(commit)

  await work.commit('Log in', {
    'login.ts': `export const t = 'ghp_${'aB3dE5fG7h'.repeat(4).slice(0, 36)}'\n`,
  })
  const secret = await work.push('HEAD:refs/heads/ada/login')
  expect(secret).toMatchObject(rejected)
  expect(secret.output).toContain('secret found: github-pat')
  expect(await upstream.ref('refs/heads/ada/login')).toBeUndefined()

  await work.text(['reset', '-q', '--hard', 'HEAD^'])
  upstream.refuse('the freeze lasts until Monday')
  const refused = await work.push('HEAD:refs/heads/ada/frozen', 'HEAD:refs/tags/v1')
  upstream.hook('pre-receive')
  expect(refused).toMatchObject(rejected)
  expect(refused.output).toContain('upstream: the freeze lasts until Monday')
  expect(refused.output).toMatch(/git-gate: upstream refused: pre-receive hook declined/)
  expect(await gate.ledger.last()).toMatchObject({ outcome: 'refused' })
  expect(await upstream.ref('refs/tags/v1')).toBeUndefined()
  expect(await check('web')).toMatchObject({ name: 'write', ok: true })
  expect(new Set(host.requests.flatMap(({ user }) => user ?? []))).toEqual(new Set(['gate-bot']))
})

test('a push of more than a buffer of HTTP goes through', async () => {
  const work = await (await agent('bo')).clone()
  const commit = await work.commit('A large file', { large: randomBytes(1200 << 10) })
  expect(await work.push('HEAD:refs/heads/bo/large')).toMatchObject(accepted)
  expect(await upstream.ref('refs/heads/bo/large')).toBe(commit)
})

test('a fetch has what upstream got meanwhile, and a push on an old value is refused', async () => {
  const cy = await agent('cy')
  const [work, other] = [await cy.clone(), await cy.clone()]
  await work.commit('First', { a: '1\n' })
  expect(await work.push('HEAD:refs/heads/cy/a')).toMatchObject(accepted)
  const behind = await upstream.commit('cy/a', 'Past the gate')
  await work.commit('Second', { a: '2\n' })
  // The lease decides at upstream: the mirror does not know the new value when the push begins.
  const late = await work.push('--force-with-lease=cy/a:HEAD^', 'HEAD:refs/heads/cy/a')
  expect(late).toMatchObject(rejected)
  expect(await upstream.ref('refs/heads/cy/a')).toBe(behind)
  await other.text(['fetch', '-q', 'origin'])
  expect(await other.text(['rev-parse', 'origin/cy/a'])).toBe(behind)
})

test('an empty upstream on this machine over HTTP takes its first push', async () => {
  const empty = ends.use(await startUpstream({ empty: true }))
  await empty.git(['symbolic-ref', 'HEAD', 'refs/heads/trunk'])
  const plain = ends.use(await startHttpsHost(empty.dir, undefined))
  plain.tokens.set(token, 'write')
  await addRepository('plain', plain.url, 'bot', { ca: '' })
  const work = await (await gate.agent('jo', { push: ['trunk'] }, { repository: 'plain' })).clone()
  expect(await work.text(['symbolic-ref', 'HEAD'])).toBe('refs/heads/trunk')
  const commit = await work.commit('First', { a: 'x\n' })
  expect(await work.push('HEAD:refs/heads/trunk')).toMatchObject(accepted)
  expect(await empty.ref('refs/heads/trunk')).toBe(commit)
})

test('a push whose answer is lost is settled by asking upstream', async () => {
  const work = await (await agent('di')).clone()
  const commit = await work.commit('Cut off', { cut: 'x\n' })
  host.cutsPushes = true
  const pushed = await work.push('HEAD:refs/heads/di/cut')
  host.cutsPushes = false
  expect(pushed).toMatchObject(accepted)
  expect(await upstream.ref('refs/heads/di/cut')).toBe(commit)
  expect(await gate.ledger.last()).toMatchObject({ outcome: 'accepted' })
})

test('a refused credential is one clear line for the agent and for doctor', async () => {
  const wrong = randomBytes(20).toString('hex')
  await gate.admin.request('PUT', '/credentials/old', { user: 'gate-bot', secret: wrong })
  await addRepository('stale', host.url, 'old')
  const eve = await agent('eve', 'stale')
  const line = /the gate's credential "old" for 127\.0\.0\.1:\d+ is refused\b/
  const cloned = await eve.tryClone()
  expect(cloned.output).toMatch(line)
  expect(cloned.output).toContain('tell the operator to set it again: git gate credential set old')
  expect(await check('stale')).toMatchObject({ name: 'read', ok: false, detail: expect.stringMatching(line) })

  const readOnly = randomBytes(20).toString('hex')
  host.tokens.set(readOnly, 'read')
  await gate.admin.request('PUT', '/credentials/old', { user: 'gate-bot', secret: readOnly })
  const work = await eve.clone()
  await work.commit('Not allowed', { a: 'x\n' })
  const denied = /127\.0\.0\.1:\d+ denies the gate's credential "old" this \("This token may only read\."\)/
  const pushed = await work.push('HEAD:refs/heads/eve/a')
  expect(pushed).toMatchObject(rejected)
  expect(pushed.output).toMatch(denied)
  expect(await check('stale')).toMatchObject({
    name: 'write',
    ok: false,
    fix: expect.stringContaining('read and write access'),
  })
  for (const secret of [wrong, readOnly])
    expect(`${cloned.output}${pushed.output}${gate.log.join('')}`).not.toContain(secret)
})

test('a redirect is not followed: the other host sees no request', async () => {
  const other = ends.use(await startHttpsHost(upstream.dir, certificates))
  other.tokens.set(token, 'write')
  const moved = ends.use(await startHttpsHost(upstream.dir, certificates))
  moved.redirectTo = new URL(other.url).origin
  await addRepository('moved', moved.url, 'bot')
  const cloned = await (await agent('flo', 'moved')).tryClone()
  expect(cloned.output).toMatch(/redirects to another address, which the gate does not follow/)
  expect(moved.requests.length).toBeGreaterThan(0)
  expect(other.requests).toEqual([])
})

test('a certificate of an unknown authority is not trusted, and the token is not sent', async () => {
  const strict = ends.use(await startHttpsHost(upstream.dir, certificates))
  await addRepository('untrusted', strict.url, 'bot', { ca: '' })
  const cloned = await (await agent('gus', 'untrusted')).tryClone()
  expect(cloned.output).toMatch(/the certificate of 127\.0\.0\.1:\d+ is not trusted/)
  expect(cloned.output).toContain('--ca FILE')
  expect(strict.requests).toEqual([])
})

test("a GitHub App's token is narrowed to the repository, replaced when revoked, and renewed before it ends", async () => {
  const hosted = ends.use(await startHttpsHost(upstream.dir, certificates))
  const api = ends.use(await startGitHubApi(certificates, hosted))
  const proxy = ends.use(await startProxy())
  const app = { id: api.appId, installation: '77', apiUrl: api.url }
  await gate.admin.request('PUT', '/credentials/app', { app, secret: api.privateKey })
  await addRepository('installed', hosted.url, 'app', { proxy: proxy.url })
  const hal = await agent('hal', 'installed')
  const work = await hal.clone()
  const push = async (name: string) => {
    await work.commit(name, { [name]: 'x\n' })
    expect(await work.push(`HEAD:refs/heads/hal/${name}`)).toMatchObject(accepted)
  }
  await push('first')
  expect(api.minted).toEqual([
    { repositories: ['repository'], permissions: { contents: 'write' }, installation: '77' },
  ])

  // Revoked while the gate still counts on it.
  hosted.tokens.clear()
  api.lifetimeMs = 2_000
  await push('second')
  expect(api.minted.length).toBeGreaterThan(1)
  await until(
    () => hosted.tokens.size === 0 || undefined,
    seconds(10),
    () => 'the token does not end',
  )
  const [minted, requests] = [api.minted.length, hosted.requests.length]
  api.lifetimeMs = 3_600_000
  await push('third')
  expect(api.minted).toHaveLength(minted + 1)
  const used = hosted.requests.slice(requests).flatMap(({ token: sent }) => sent ?? [])
  expect(new Set(used)).toEqual(new Set(hosted.tokens.keys()))
  expect(new Set(proxy.connected)).toEqual(new Set([new URL(hosted.url).host, new URL(api.url).host]))

  api.refuses = { status: 404, message: 'Not Found' }
  hosted.tokens.clear()
  const cloned = await hal.tryClone()
  expect(cloned.output).toMatch(/gives GitHub App \d+ no token \(status 404: Not Found\)/)
})

test('the token is in no argument, environment, file, log, record or answer', async () => {
  const work = await (await agent('ida')).clone()
  await work.commit('Held at upstream', { held: 'x\n' })
  const hold = path.join(upstream.dir, 'hold')
  fs.writeFileSync(hold, '')
  upstream.hook('pre-receive', `touch '${hold}.reached'; while [ -e '${hold}' ]; do sleep 0.05; done`)
  const pushing = work.push('HEAD:refs/heads/ida/held')
  await until(
    () => fs.existsSync(`${hold}.reached`) || undefined,
    seconds(20),
    () => 'the push does not come to upstream',
  )
  const processes = listProcesses()
  fs.rmSync(hold)
  expect(await pushing).toMatchObject(accepted)
  upstream.hook('pre-receive')
  expect(processes.filter(text => text.includes('remote-https')).length).toBeGreaterThan(0)

  const forms = [token, Buffer.from(`gate-bot:${token}`).toString('base64')]
  expect(await placesOfSecret(gate, forms, processes)).toEqual([])
})
