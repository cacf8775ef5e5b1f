import { rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LfsServer, startLfsServer } from '../harness/hosts/lfs-server.ts'
import { type Agent, accepted, type Gate, megabytes, rejected, seconds, startGate } from '../harness/index.ts'
import { githubToken } from '../scan/fixtures/fakes.ts'
import { ATTRIBUTES, cloneWithLfs as clone, content, noClient, sha256 } from './client.ts'

let gate: Gate
let server: LfsServer
let ada: Agent
let bob: Agent

beforeAll(async () => {
  gate = await startGate()
  server = await startLfsServer(gate.upstream)
  ada = await gate.agent('ada', { push: ['refs/heads/**'] })
  bob = await gate.agent('bob', { push: ['refs/heads/**'] })
}, seconds(60))
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await gate?.[Symbol.asyncDispose]()
})

test('a request that the gate holds in memory is short, and says its length', async () => {
  const send = async (path: string, body: string | ReadableStream) => {
    const answer = await fetch(`${gate.url}/app.git/info/lfs${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/vnd.git-lfs+json' },
      body,
      duplex: 'half',
    } as RequestInit)
    return { status: answer.status, body: await answer.json() }
  }
  const batch = JSON.stringify({ operation: 'download', objects: [{ oid: '0'.repeat(64), size: 1 }] })
  expect(await send('/objects/batch', batch)).toMatchObject({ status: 200 })
  const refused = {
    status: 413,
    body: { message: expect.stringMatching(/^git-gate: send a Content-Length of at most /) },
  }
  for (const path of ['/objects/batch', '/locks', '/locks/verify']) {
    expect(await send(path, batch + ' '.repeat(2 << 20))).toMatchObject(refused)
    expect(await send(path, new Blob([batch]).stream())).toMatchObject(refused)
  }
})

test('requests for objects at once: a client that goes away delays no other, and a revoked token ends them all', async () => {
  const eve = await gate.agent('eve', { push: ['eve/**'] })
  const url = `${gate.url}/app.git/info/lfs/objects/${'0'.repeat(64)}?size=1`
  const ask = (signal?: AbortSignal) =>
    fetch(url, { headers: { authorization: `Bearer ${eve.token}` }, ...(signal ? { signal } : {}) })
  const statusesOf = async (count: number) =>
    Promise.all(Array.from({ length: count }, async () => (await ask()).status))
  expect(await statusesOf(1)).toEqual([404])
  const leaves = new AbortController()
  const first = ask(leaves.signal).catch(() => 'gone')
  const others = statusesOf(6)
  leaves.abort()
  expect([await first, ...(await others)]).toEqual(['gone', 404, 404, 404, 404, 404, 404])
  await gate.admin.request('DELETE', `/tokens/${eve.tokenId}`)
  expect(await statusesOf(6)).toEqual([401, 401, 401, 401, 401, 401])
})

test('an object that upstream has, and that no file of the repository names, is not served', async () => {
  const bytes = Buffer.from('of another repository')
  const oid = server.put(bytes)
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${gate.url}/app.git/info/lfs/objects/${path}`, {
      ...init,
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
    })
  const batch = await ask('batch', {
    method: 'POST',
    body: JSON.stringify({ operation: 'download', objects: [{ oid, size: bytes.length }] }),
  })
  expect(await batch.json()).toMatchObject({ objects: [{ error: { code: 404 } }] })
  const answer = await ask(`${oid}?size=${bytes.length}`)
  expect(answer.status).toBe(404)
  expect(await answer.text()).toContain(`no file of app names the object ${oid}`)
})

describe.skipIf(noClient)('the git-lfs client', () => {
  test('sends new and changed objects to upstream, and another clone gets them', async () => {
    const work = await clone(ada)
    const first = megabytes(3)
    await work.commit('A model', { ...ATTRIBUTES, 'model.bin': first })
    expect(await work.push('HEAD:refs/heads/models')).toMatchObject(accepted)
    const second = megabytes(1)
    await work.commit('A better model', { 'model.bin': second, 'other.bin': 'small' })
    expect(await work.push('HEAD:refs/heads/models')).toMatchObject(accepted)
    expect([first, second, 'small'].map(each => server.has(sha256(each)))).toEqual([true, true, true])

    const other = await clone(bob, '--branch', 'models')
    expect(content(other, 'model.bin').equals(second)).toBe(true)
    expect(content(other, 'other.bin').toString()).toBe('small')
    await other.text(['lfs', 'fetch', '--all'])
    await other.text(['switch', '-q', '--detach', 'HEAD~1'])
    expect(content(other, 'model.bin').equals(first)).toBe(true)
    // The gate has served its own copies.
    expect(server.requests).not.toContain('GET /objects/…')
    expect(await gate.ledger.last()).toMatchObject({
      outcome: 'accepted',
      lfsObjects: [
        { oid: sha256(second), size: second.length, path: 'model.bin' },
        { oid: sha256('small'), size: 5, path: 'other.bin' },
      ],
    })
  })

  test('sends and gets objects with its token in a header, as agent-config writes it', async () => {
    const work = await clone(ada)
    await work.text(['remote', 'set-url', 'origin', `${gate.url}/app.git`])
    await work.text(['config', `http.${gate.url}/.extraHeader`, `Authorization: Bearer ${ada.token}`])
    await work.commit('A model', { ...ATTRIBUTES, 'header.bin': megabytes(1) })
    expect(await work.push('HEAD:refs/heads/header')).toMatchObject(accepted)
    rmSync(path.join(work.dir, '.git/lfs/objects'), { recursive: true })
    expect(await work.git(['lfs', 'fetch', 'origin', 'HEAD'])).toMatchObject(accepted)
  })

  test('moves files of earlier commits into Git LFS (migrate import), and pushes them', async () => {
    const work = await clone(ada)
    const big = megabytes(1)
    await work.text(['switch', '-q', '-c', 'migrated'])
    await work.commit('A file in git', { 'big.iso': big })
    await work.text(['lfs', 'migrate', 'import', '--include=*.iso', '--everything', '--yes'])
    expect(await work.push('migrated')).toMatchObject(accepted)
    expect(server.has(sha256(big))).toBe(true)
    await work.text(['lfs', 'prune', '--verify-remote'])
  })

  test('is told of a secret in an object before upstream has anything, and an exception lets it pass', async () => {
    const work = await clone(ada)
    const secret = `key = "${githubToken()}"\n`
    await work.commit('A key', { ...ATTRIBUTES, 'settings.bin': secret })
    const refused = await work.push('HEAD:refs/heads/keys')
    expect(refused).toMatchObject(rejected)
    expect(refused.output).toContain(`secret found: github-pat in LFS object ${sha256(secret)}, line 1`)
    expect(server.has(sha256(secret))).toBe(false)
    const [, fingerprint = ''] = /git gate exception add app ([0-9a-f]{32})/.exec(refused.output) ?? []

    const past = await work.git(['push', '--no-verify', 'origin', 'HEAD:refs/heads/keys'])
    expect(past).toMatchObject(rejected)
    expect(past.output).toContain('settings.bin names the LFS object')
    expect(past.output).toContain('which the gate has refused: git-gate: secret found: github-pat')
    expect(await gate.upstream.ref('refs/heads/keys')).toBeUndefined()

    await gate.admin.request('POST', '/exceptions', { repository: 'app', fingerprint, reason: 'an example' })
    expect(await work.push('HEAD:refs/heads/keys')).toMatchObject(accepted)
    expect(server.has(sha256(secret))).toBe(true)
    const { transfers } = (await gate.admin.request('GET', `/lfs-transfers?oid=${sha256(secret)}`)) as {
      transfers: unknown[]
    }
    expect(transfers).toMatchObject([
      { outcome: 'accepted', exceptionsUsed: [expect.any(String)] },
      { outcome: 'refused', agent: 'ada', findings: [{ rule: 'github-pat', fingerprint }] },
    ])
  })

  test('is refused a pointer to an object that upstream lacks, with the command that sends it', async () => {
    const work = await clone(ada)
    await work.commit('A file', { ...ATTRIBUTES, 'lost.bin': 'lost' })
    const oid = sha256('lost')
    const before = await work.git(['push', '--no-verify', 'origin', 'HEAD:refs/heads/lost'])
    expect(before).toMatchObject(rejected)
    expect(before.output).toContain(`lost.bin names the LFS object ${oid}`)
    expect(before.output).toContain('git lfs push --all origin')
    await work.text(['lfs', 'push', 'origin', 'HEAD'])
    expect(server.has(oid)).toBe(true)
    await work.text(['lfs', 'push', '--all', 'origin'])
    expect(await work.git(['push', '--no-verify', 'origin', 'HEAD:refs/heads/lost'])).toMatchObject(accepted)
  })

  test('locks a file: other agents see its holder, cannot unlock it, and cannot push it', async () => {
    const work = await clone(ada)
    await work.commit('A drawing', { ...ATTRIBUTES, 'drawing.bin': 'lines' })
    expect(await work.push('HEAD:refs/heads/drawings')).toMatchObject(accepted)
    await work.text(['lfs', 'lock', 'drawing.bin'])

    const other = await clone(bob, '--branch', 'drawings')
    expect(await other.text(['lfs', 'locks'])).toMatch(/drawing\.bin\s+ada/)
    expect((await other.git(['lfs', 'unlock', 'drawing.bin', '--force'])).output).toContain("ada's")
    await other.commit('Other lines', { 'drawing.bin': 'other lines' })
    await other.text(['config', 'lfs.locksverify', 'true'])
    const refused = await other.push('HEAD:refs/heads/drawings')
    expect(refused).toMatchObject(rejected)
    expect(refused.stdout + refused.output).toContain('drawing.bin - ada')

    await work.text(['lfs', 'unlock', 'drawing.bin'])
    expect(await other.push('HEAD:refs/heads/drawings')).toMatchObject(accepted)
  })

  test('gets objects from upstream once for all clones, and again when the store is gone', async () => {
    const model = megabytes(2)
    server.put(model)
    const work = await clone(ada)
    await work.commit('A model', { ...ATTRIBUTES, 'shared.bin': model })
    expect(await work.push('HEAD:refs/heads/shared')).toMatchObject(accepted)
    const from = server.requests.length
    const clones = await Promise.all([ada, bob, bob].map(agent => clone(agent, '--branch', 'shared')))
    for (const each of clones) expect(content(each, 'shared.bin').equals(model)).toBe(true)
    expect(server.requests.slice(from).filter(line => line === 'GET /objects/…')).toHaveLength(1)
    rmSync(path.join(gate.companion.home, 'lfs'), { recursive: true })
    const again = await clone(ada, '--branch', 'shared')
    expect(content(again, 'shared.bin').equals(model)).toBe(true)
  })
})
