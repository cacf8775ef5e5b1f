import { existsSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type Agent,
  accepted,
  type Clone,
  megabytes,
  type OwnGate,
  rejected,
  seconds,
  startGate,
  until,
} from '../harness/index.ts'
import { githubToken } from '../scan/fixtures/fakes.ts'
import { ATTRIBUTES, cloneWithLfs, content, noClient, sha256 } from './client.ts'
import {
  LFS_TRANSFER_PROGRAM,
  type SshTransferServer,
  startSshTransferServer,
} from './ssh-transfer-server.ts'

/** Passes on the first bytes of a session, and ends it. */
const FIRST_MB = 'stdbuf -o0 head -c 1000000'

describe.skipIf(noClient || !existsSync(LFS_TRANSFER_PROGRAM))('git-lfs-transfer at upstream', () => {
  let gate: OwnGate
  let server: SshTransferServer
  let ada: Agent
  let bob: Agent
  beforeAll(async () => {
    gate = await startGate()
    server = startSshTransferServer(gate.upstream)
    ada = await gate.agent('ada', { push: ['refs/heads/**'] })
    bob = await gate.agent('bob', { push: ['refs/heads/**'] })
  }, seconds(60))
  afterAll(() => gate?.[Symbol.asyncDispose]())
  afterEach(async () => {
    server.wrap('exec', '')
    await gate.idle({ within: seconds(15) })
  })

  const emptyStore = () => rmSync(path.join(gate.companion.home, 'lfs'), { recursive: true, force: true })

  /** Commits an object that upstream has already, and pushes its pointer. */
  async function pushPointer(branch: string, body: Buffer | string): Promise<Clone> {
    const work = await cloneWithLfs(ada)
    await work.commit('A file', { ...ATTRIBUTES, 'file.bin': body })
    expect(await work.git(['push', '--no-verify', 'origin', `HEAD:refs/heads/${branch}`])).toMatchObject(
      accepted,
    )
    return work
  }
  const cloneOf = (branch: string) => cloneWithLfs(bob, '-c', 'lfs.transfer.maxretries=1', '--branch', branch)

  test('new and changed objects reach upstream, and a clone gets them from upstream', async () => {
    const work = await cloneWithLfs(ada)
    const first = megabytes(3)
    await work.commit('A model', { ...ATTRIBUTES, 'model.bin': first })
    expect(await work.push('HEAD:refs/heads/models')).toMatchObject(accepted)
    const second = megabytes(1)
    await work.commit('A better model', { 'model.bin': second, 'other.bin': 'small' })
    expect(await work.push('HEAD:refs/heads/models')).toMatchObject(accepted)
    expect([first, second, 'small'].map(each => server.has(sha256(each)))).toEqual([true, true, true])

    emptyStore()
    const other = await cloneOf('models')
    expect(content(other, 'model.bin').equals(second)).toBe(true)
    await other.text(['lfs', 'fetch', '--all'])
    await other.text(['-c', 'lfs.url=http://127.0.0.1:1', 'switch', '-q', '--detach', 'HEAD~1'])
    expect(content(other, 'model.bin').equals(first)).toBe(true)
  })

  test('many objects share a few sessions', async () => {
    const before = server.sessions().length
    const work = await cloneWithLfs(ada)
    const files = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`${i}.bin`, `many ${i}`]))
    await work.commit('Many', { ...ATTRIBUTES, ...files })
    expect(await work.push('HEAD:refs/heads/many')).toMatchObject(accepted)
    expect(Object.values(files).filter(each => !server.has(sha256(each)))).toEqual([])
    expect(server.sessions().length - before).toBeLessThan(30)
  })

  test('files of earlier commits are moved (migrate import), pushed and pruned', async () => {
    const work = await cloneWithLfs(ada)
    const big = megabytes(1)
    await work.text(['switch', '-q', '-c', 'migrated'])
    await work.commit('A file in git', { 'big.iso': big })
    await work.commit('Nothing of it', { 'big.iso': 'gone' })
    await work.text(['lfs', 'migrate', 'import', '--include=*.iso', '--everything', '--yes'])
    expect(await work.push('migrated')).toMatchObject(accepted)
    const oid = sha256(big)
    expect(server.has(oid)).toBe(true)
    const own = path.join(work.dir, '.git/lfs/objects', oid.slice(0, 2), oid.slice(2, 4), oid)
    expect(existsSync(own)).toBe(true)
    const recent = ['-c', 'lfs.fetchrecentrefsdays=0', '-c', 'lfs.fetchrecentcommitsdays=0']
    await work.text([...recent, 'lfs', 'prune', '--verify-remote'])
    expect(existsSync(own)).toBe(false)
  })

  test('a secret is refused before upstream has anything of it', async () => {
    const work = await cloneWithLfs(ada)
    const secret = `key = "${githubToken()}"\n`
    await work.commit('A key', { ...ATTRIBUTES, 'settings.bin': secret })
    const refused = await work.push('HEAD:refs/heads/keys')
    expect(refused).toMatchObject(rejected)
    expect(refused.output).toContain(`secret found: github-pat in LFS object ${sha256(secret)}, line 1`)
    expect(server.has(sha256(secret))).toBe(false)
    expect(await gate.upstream.ref('refs/heads/keys')).toBeUndefined()
  })

  test('a pointer to an object that upstream lacks is refused', async () => {
    const work = await cloneWithLfs(ada)
    await work.commit('A file', { ...ATTRIBUTES, 'lost.bin': 'lost' })
    const refused = await work.git(['push', '--no-verify', 'origin', 'HEAD:refs/heads/lost'])
    expect(refused).toMatchObject(rejected)
    expect(refused.output).toContain(`lost.bin names the LFS object ${sha256('lost')}`)
  })

  test('a locked file is seen, kept from other agents, and unlocked', async () => {
    const work = await cloneWithLfs(ada)
    await work.commit('A drawing', { ...ATTRIBUTES, 'drawing.bin': 'lines' })
    expect(await work.push('HEAD:refs/heads/drawings')).toMatchObject(accepted)
    await work.text(['lfs', 'lock', 'drawing.bin'])
    const other = await cloneOf('drawings')
    expect(await other.text(['lfs', 'locks'])).toMatch(/drawing\.bin\s+ada/)
    expect((await other.git(['lfs', 'lock', 'drawing.bin'])).code).not.toBe(0)
    expect((await other.git(['lfs', 'unlock', 'drawing.bin', '--force'])).output).toContain("ada's")
    await other.commit('Other lines', { 'drawing.bin': 'other lines' })
    await other.text(['config', 'lfs.locksverify', 'true'])
    const refused = await other.push('HEAD:refs/heads/drawings')
    expect(refused).toMatchObject(rejected)
    expect(refused.stdout + refused.output).toContain('drawing.bin - ada')
    await work.text(['lfs', 'unlock', 'drawing.bin'])
    expect(await other.text(['lfs', 'locks'])).toBe('')
    expect(await other.push('HEAD:refs/heads/drawings')).toMatchObject(accepted)
  })

  test('an upload of which upstream reads only a part fails in words, and can be sent again', async () => {
    const work = await cloneWithLfs(ada)
    const big = megabytes(4)
    await work.commit('A big file', { ...ATTRIBUTES, 'big.bin': big })
    server.wrap(`${FIRST_MB} |`, '')
    const failed = await work.push('HEAD:refs/heads/big')
    expect(failed).toMatchObject(rejected)
    expect(failed.output).toMatch(/git-gate: the LFS server \S+ answers with 500: internal error/)
    expect(server.has(sha256(big))).toBe(false)
    await gate.idle({ within: seconds(15) })
    server.wrap('exec', '')
    expect(await work.push('HEAD:refs/heads/big')).toMatchObject(accepted)
    expect(server.has(sha256(big))).toBe(true)
  })

  test('an upload whose upstream is gone in the middle of it fails at once, and can be sent again', async () => {
    const work = await cloneWithLfs(ada)
    const big = megabytes(4)
    await work.commit('A big file', { ...ATTRIBUTES, 'big.bin': big })
    server.wrap(`{ ${FIRST_MB}; sleep 100; } |`, '')
    const pushed = work.push('HEAD:refs/heads/gone')
    await until(
      () => (server.incomplete().some(({ oid, size }) => oid === sha256(big) && size > 0) ? true : undefined),
      seconds(30),
      () => 'upstream gets no object',
    )
    await gate.upstream.stop()
    expect(await pushed).toMatchObject(rejected)
    await gate.idle({ within: seconds(15) })
    const { transfers } = (await gate.admin.request('GET', `/lfs-transfers?oid=${sha256(big)}`)) as {
      transfers: { outcome: string; reason: string }[]
    }
    expect(transfers.at(-1)).toMatchObject({
      outcome: 'failed',
      reason: expect.stringMatching(/ended in the middle of its work .*try again later/),
    })
    server.wrap('exec', '')
    await gate.upstream.start()
    // The batch tells of the failure once: upstream was gone when git-lfs asked again.
    const told = await work.push('HEAD:refs/heads/gone')
    expect(told.output).toMatch(/ended in the middle of its work .*try again later/)
    expect(await work.push('HEAD:refs/heads/gone')).toMatchObject(accepted)
    expect(server.has(sha256(big))).toBe(true)
  })

  test('an object that upstream sends wrong or not whole is not handed out, and comes whole later', async () => {
    const bodies = { wrong: megabytes(2), short: megabytes(2), cut: megabytes(2) }
    for (const [branch, body] of Object.entries(bodies)) {
      server.put(body)
      await pushPointer(branch, body)
    }
    emptyStore()
    server.put(Buffer.from(bodies.wrong).fill(1, 9, 10), sha256(bodies.wrong))
    server.put(bodies.short.subarray(1_000), sha256(bodies.short))
    for (const branch of ['wrong', 'short']) await expect(cloneOf(branch)).rejects.toThrow()
    // No session from before the fault is left.
    await gate.idle({ within: seconds(15) })
    server.wrap('', `| ${FIRST_MB}`)
    await expect(cloneOf('cut')).rejects.toThrow()
    await gate.idle({ within: seconds(15) })
    server.wrap('exec', '')
    for (const [branch, body] of Object.entries(bodies)) {
      server.put(body)
      expect(content(await cloneOf(branch), 'file.bin').equals(body)).toBe(true)
    }
  })
})
