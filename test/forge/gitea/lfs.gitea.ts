import { existsSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Agent, accepted, type Gate, megabytes, rejected, startGate } from '../../harness/index.ts'
import { ATTRIBUTES, cloneWithLfs, content, noClient, sha256 } from '../../lfs/client.ts'
import { githubToken } from '../../scan/fixtures/fakes.ts'
import { GITEA_PROGRAM, type Gitea, type GiteaUser, startGitea } from './server.ts'

const Answered = z.object({
  objects: z.array(z.object({ oid: z.string(), actions: z.object({ download: z.unknown() }).optional() })),
})

describe.skipIf(noClient || !existsSync(GITEA_PROGRAM))('Git LFS of a Gitea', () => {
  const ends = new AsyncDisposableStack()
  let gitea: Gitea
  let gate: Gate
  let bot: GiteaUser
  beforeAll(async () => {
    gitea = ends.use(await startGitea())
    gate = ends.use(await startGate())
    bot = await gitea.user('acme')
    await renewToken()
  }, 180_000)
  afterAll(() => ends.disposeAsync())

  async function renewToken(): Promise<void> {
    const secret = await bot.token('write:repository')
    await gate.admin.request('PUT', '/credentials/acme', { user: 'acme', secret })
  }

  async function addRepository(name: string, transport: 'ssh' | 'https'): Promise<void> {
    await bot.api('POST', '/user/repos', { name, auto_init: true, default_branch: 'main', private: true })
    const api = { forge: 'gitea', apiUrl: `${gitea.url}/api/v1`, credential: 'acme' }
    const ssh = `ssh://git@127.0.0.1:${gitea.sshPort}/acme/${name}.git`
    if (transport === 'ssh')
      await gate.admin.request('POST', '/identities', { name, register: { upstream: ssh, ...api } })
    await gate.admin.request('POST', '/repositories', {
      name,
      ...api,
      ...(transport === 'ssh'
        ? { upstream: ssh, identity: name, knownHosts: gitea.knownHosts }
        : { upstream: `${gitea.url}/acme/${name}.git` }),
    })
  }

  /** Asks Gitea itself, past the gate. */
  async function hasObject(repository: string, body: Buffer | string): Promise<boolean> {
    const object = { oid: sha256(body), size: body.length }
    const answer = await fetch(`${gitea.url}/acme/${repository}.git/info/lfs/objects/batch`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`acme:${bot.password}`).toString('base64')}`,
        accept: 'application/vnd.git-lfs+json',
        'content-type': 'application/vnd.git-lfs+json',
      },
      body: JSON.stringify({ operation: 'download', transfers: ['basic'], objects: [object] }),
    })
    const { objects } = Answered.parse(await answer.json())
    return objects[0]?.actions !== undefined
  }

  const emptyStore = () => rmSync(path.join(gate.companion.home, 'lfs'), { recursive: true, force: true })

  describe.each(['ssh', 'https'] as const)('over %s', transport => {
    const name = `lfs-${transport}`
    let ada: Agent
    let bob: Agent
    beforeAll(async () => {
      await addRepository(name, transport)
      const agent = (who: string) => gate.agent(`${who}-${transport}`, { push: ['**'] }, { repository: name })
      ada = await agent('ada')
      bob = await agent('bob')
    })

    test('new and changed objects reach Gitea, and a clone gets them from Gitea', async () => {
      const work = await cloneWithLfs(ada)
      const first = megabytes(3)
      await work.commit('A model', { ...ATTRIBUTES, 'model.bin': first })
      expect(await work.push('HEAD:models')).toMatchObject(accepted)
      const second = megabytes(1)
      await work.commit('A better model', { 'model.bin': second, 'other.bin': 'small' })
      expect(await work.push('HEAD:models')).toMatchObject(accepted)
      for (const body of [first, second, 'small']) expect(await hasObject(name, body)).toBe(true)

      emptyStore()
      const other = await cloneWithLfs(bob, '--branch', 'models')
      expect(content(other, 'model.bin').equals(second)).toBe(true)
      await other.text(['lfs', 'fetch', '--all'])
      await other.text(['-c', 'lfs.url=http://127.0.0.1:1', 'switch', '-q', '--detach', 'HEAD~1'])
      expect(content(other, 'model.bin').equals(first)).toBe(true)
    })

    test('files of earlier commits are moved (migrate import), pushed and pruned', async () => {
      const work = await cloneWithLfs(ada)
      const big = megabytes(1)
      await work.text(['switch', '-q', '-c', 'migrated'])
      await work.commit('A file in git', { 'big.iso': big })
      await work.commit('Nothing of it', { 'big.iso': 'gone' })
      await work.text(['lfs', 'migrate', 'import', '--include=*.iso', '--everything', '--yes'])
      expect(await work.push('migrated')).toMatchObject(accepted)
      expect(await hasObject(name, big)).toBe(true)
      const oid = sha256(big)
      const own = path.join(work.dir, '.git/lfs/objects', oid.slice(0, 2), oid.slice(2, 4), oid)
      expect(existsSync(own)).toBe(true)
      const recent = ['-c', 'lfs.fetchrecentrefsdays=0', '-c', 'lfs.fetchrecentcommitsdays=0']
      await work.text([...recent, 'lfs', 'prune', '--verify-remote'])
      expect(existsSync(own)).toBe(false)
    })

    test('a locked file is seen, and kept from other agents', async () => {
      const work = await cloneWithLfs(ada)
      await work.commit('A drawing', { ...ATTRIBUTES, 'drawing.bin': 'lines' })
      expect(await work.push('HEAD:drawings')).toMatchObject(accepted)
      await work.text(['lfs', 'lock', 'drawing.bin'])
      const other = await cloneWithLfs(bob, '--branch', 'drawings')
      expect(await other.text(['lfs', 'locks'])).toMatch(new RegExp(`drawing\\.bin\\s+${ada.name}`))
      expect((await other.git(['lfs', 'unlock', 'drawing.bin', '--force'])).code).not.toBe(0)
      await other.commit('Other lines', { 'drawing.bin': 'other lines' })
      await other.text(['config', 'lfs.locksverify', 'true'])
      const refused = await other.push('HEAD:drawings')
      expect(refused).toMatchObject(rejected)
      expect(refused.stdout + refused.output).toContain(`drawing.bin - ${ada.name}`)
      await work.text(['lfs', 'unlock', 'drawing.bin'])
      expect(await other.push('HEAD:drawings')).toMatchObject(accepted)
    })

    test('an object with a secret does not reach Gitea', async () => {
      const work = await cloneWithLfs(ada)
      const secret = `key = "${githubToken()}"\n`
      await work.commit('A key', { ...ATTRIBUTES, 'settings.bin': secret })
      const refused = await work.push('HEAD:keys')
      expect(refused).toMatchObject(rejected)
      expect(refused.output).toContain('secret found: github-pat')
      expect(await hasObject(name, secret)).toBe(false)
    })
  })

  test('a revoked token is one clear line, and its successor serves the next request', async () => {
    const agent = await gate.agent('dora', { push: ['**'] }, { repository: 'lfs-https' })
    const work = await cloneWithLfs(agent)
    await work.commit('A file', { ...ATTRIBUTES, 'late.bin': 'late' })
    const tokens = (await bot.api('GET', '/users/acme/tokens')) as { id: number }[]
    for (const { id } of tokens) await bot.api('DELETE', `/users/acme/tokens/${id}`)
    const refused = await work.git(['lfs', 'push', 'origin', 'HEAD'])
    expect(refused.code).not.toBe(0)
    expect(refused.output).toMatch(/git-gate: .*credential/)
    await renewToken()
    expect(await work.push('HEAD:late')).toMatchObject(accepted)
    expect(await hasObject('lfs-https', 'late')).toBe(true)
  })
})
