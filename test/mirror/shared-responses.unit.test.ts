import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { ResponseSource } from '../../container/fetch/response-source.ts'
import { createSharedResponses } from '../../container/fetch/shared-responses.ts'
import type { Backend } from '../../container/git/http-backend.ts'
import type { Mirror } from '../../container/mirror/mirror.ts'
import { createRefsSnapshots } from '../../container/mirror/refs-snapshot.ts'
import { spawnGroup } from '../../container/process/spawn.ts'

const MIB = 1 << 20

/** A mirror of `bytes` on disk, and a shell script in the place of git. */
function stage(script: string, { bytes = 4 * MIB, maxBytes = 8 * MIB } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-shared-'))
  const refs = createRefsSnapshots()
  const mirror = { refs, status: async () => ({ bytes }) } as unknown as Mirror
  const responses = createSharedResponses(folder, maxBytes)
  const backends: Backend[] = []
  const start = () => {
    const child = spawnGroup('sh', ['-c', script], { stdio: 'pipe', signal: new AbortController().signal })
    const { stdin, stdout } = child
    if (!stdin || !stdout) throw new Error('sh could not be started')
    stdin.on('error', () => {})
    const ended = once(child, 'close').then(([code]) => ({ code, stderr: '' }))
    const backend = { child, stdin, stdout, ended } as unknown as Backend
    backends.push(backend)
    return backend
  }
  return {
    refs,
    backends,
    folder,
    ask: (body = 'want', protocol?: string) =>
      responses.find(mirror, { protocol, body: Buffer.from(body) }, start),
    async [Symbol.asyncDispose]() {
      await refs.change(async () => {})
      fs.rmSync(folder, { recursive: true })
    },
  }
}

const contentOf = async (source: ResponseSource | undefined) =>
  source && (await buffer(source.stdout)).toString('utf8')

test('git runs once for all clients that send the same request, from the second on', async () => {
  await using at = stage('sleep 0.2; seq 100000')
  expect(await at.ask()).toBe(undefined)
  const sources = await Promise.all(Array.from({ length: 10 }, () => at.ask()))
  const contents = await Promise.all(sources.map(contentOf))
  expect(new Set(contents).size).toBe(1)
  expect(contents[0]).toMatch(/^1\n2\n(\d+\n)+100000\n$/)
  expect(await contentOf(await at.ask())).toBe(contents[0])
  expect(at.backends.length).toBe(1)
  expect(fs.readdirSync(at.folder)).toEqual([])
})

test('another request, or another version of the protocol, gets a response of its own', async () => {
  await using at = stage('echo response')
  await at.ask('want a')
  expect(await at.ask('want b')).toBe(undefined)
  expect(await at.ask('want a', 'version=2')).toBe(undefined)
  expect(await contentOf(await at.ask('want a'))).toBe('response\n')
})

test('a response is not used after a ref changed, nor while refs change', async () => {
  await using at = stage('echo response')
  await at.ask()
  const early = await at.ask()
  await at.refs.change(async () => expect(await at.ask()).toBe(undefined))
  expect(await contentOf(early)).toBe('response\n')
  expect(await at.ask()).toBe(undefined)
  expect(await contentOf(await at.ask())).toBe('response\n')
  expect(at.backends.length).toBe(2)
})

test('a client that stops reading keeps no other client from the response', async () => {
  await using at = stage('seq 300000')
  await at.ask()
  const [stalled, other] = [await at.ask(), await at.ask()]
  expect(await contentOf(other)).toMatch(/\n300000\n$/)
  expect(await contentOf(stalled)).toMatch(/\n300000\n$/)
})

test('a reader has all bytes of a response in the same memory, and reads none ahead while it is paused', async () => {
  await using at = stage('seq 300000')
  await at.ask()
  const whole = await contentOf(await at.ask())
  const source = await at.ask()
  if (!source) throw new Error('the response is not shared')
  const { stdout, recycle } = source
  const memory = new Set<ArrayBufferLike>()
  let text = ''
  stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    memory.add(chunk.buffer)
    stdout.pause()
    setImmediate(() => {
      expect(stdout.readableLength).toBe(0)
      recycle(chunk)
      stdout.resume()
    })
  })
  await once(stdout, 'end')
  expect(text).toBe(whole)
  expect(memory.size).toBe(1)
})

test('git goes on when one of its clients disconnects, and is killed when the last one does after a change', async () => {
  await using at = stage('echo begin; exec sleep 600')
  await at.ask()
  const [first, second] = [await at.ask(), await at.ask()]
  const read = once(second?.stdout ?? process.stdin, 'data')
  first?.stop()
  expect(String((await read)[0])).toBe('begin\n')
  await at.refs.change(async () => {})
  second?.stop()
  const [backend] = at.backends
  expect(await backend?.ended).toMatchObject({ code: null })
})

test('a response of a git that failed is not used again', async () => {
  await using at = stage('exit 1')
  await at.ask()
  await contentOf(await at.ask())
  expect(await at.ask()).toBe(undefined)
})

test('the responses on disk stay within their limit: the least recently used makes room', async () => {
  await using at = stage('echo response', { bytes: 3 * MIB, maxBytes: 8 * MIB })
  for (const body of ['a', 'b', 'c']) await at.ask(body)
  for (const body of ['a', 'b', 'a', 'c']) await contentOf(await at.ask(body))
  expect(at.backends.length).toBe(3)
  await contentOf(await at.ask('a'))
  expect(at.backends.length).toBe(3)
  expect(await at.ask('b')).toBe(undefined)
})

test('a mirror that is larger than the limit has no shared responses', async () => {
  await using at = stage('echo response', { bytes: 9 * MIB, maxBytes: 8 * MIB })
  await at.ask()
  expect(await at.ask()).toBe(undefined)
})
