import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, truncateSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { StoreFull, WrongObject } from '../../container/lfs/incoming-object.ts'
import { openStore, type StoredObjects } from '../../container/lfs/store.ts'
import { Oid } from '../../src/contract/lfs.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'
import { sha256 } from './client.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'gate-store-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const upstream = upstreamOf()
const objectOf = (content: string) => ({ oid: sha256(content), size: content.length })

async function put(stored: StoredObjects, content: string): Promise<void> {
  const incoming = await stored.begin(objectOf(content))
  await incoming.write(Buffer.from(content))
  await incoming.finish()
  await incoming.keep()
}
const files = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter(each => each.isFile())

test('the object that was not used for longest goes first, and the bound holds after a restart', async () => {
  const stored = (await openStore(folder, 100)).of(upstream)
  const [first, second, third] = ['1', '2', '3'].map(each => each.repeat(40)) as [string, string, string]
  await put(stored, first)
  await put(stored, second)
  stored.path(objectOf(first))
  await put(stored, third)
  expect(await Promise.all([first, second, third].map(each => stored.has(objectOf(each))))).toEqual([
    true,
    false,
    true,
  ])
  expect((await openStore(folder, 100)).bytes).toBe(80)
})

test('other bytes than the object’s are refused, and leave nothing', async () => {
  const stored = (await openStore(folder, 100)).of(upstream)
  for (const [content, sent] of [
    ['right', 'wrong'],
    ['right', 'righ'],
    ['right', 'rightly'],
  ] as const) {
    const incoming = await stored.begin(objectOf(content))
    const written = incoming.write(Buffer.from(sent)).then(() => incoming.finish())
    await expect(written).rejects.toBeInstanceOf(WrongObject)
    await incoming.discard()
  }
  expect(files()).toEqual([])
})

test('more bytes than were announced are not written to disk', async () => {
  const stored = (await openStore(folder, 100)).of(upstream)
  const incoming = await stored.begin(objectOf('right'))
  await expect(incoming.write(Buffer.from('rightly'))).rejects.toBeInstanceOf(WrongObject)
  expect(incoming.written).toBe(0)
  await incoming.discard()
})

test('small chunks go to disk in pieces, in their order', async () => {
  const stored = (await openStore(folder, 1_000_000)).of(upstream)
  const content = Array.from({ length: 50_000 }, (_, i) => `${i}\n`).join('')
  const incoming = await stored.begin(objectOf(content))
  const seen = new Set<number>()
  for (let offset = 0; offset < content.length; offset += 1_000) {
    await incoming.write(Buffer.from(content.slice(offset, offset + 1_000)))
    seen.add(incoming.written)
  }
  expect(seen.size).toBeLessThan(10)
  await incoming.finish()
  await incoming.keep()
  expect(readFileSync(stored.path(objectOf(content)), 'utf8')).toBe(content)
})

test('the memory of chunks is free once they are on disk', async () => {
  const stored = (await openStore(folder, 1_000_000)).of(upstream)
  const chunks = Array.from({ length: 6 }, (_, i) => Buffer.allocUnsafeSlow(64 << 10).fill(i))
  const incoming = await stored.begin({ oid: Oid.parse(sha256(Buffer.concat(chunks))), size: 6 * (64 << 10) })
  for (const chunk of chunks) await incoming.write(chunk)
  await incoming.finish()
  await incoming.keep()
  expect(chunks.map(chunk => chunk.length)).toEqual([0, 0, 0, 0, 0, 0])
})

test('an object is of its id and its size, both when it arrives and when it is asked for', async () => {
  const stored = (await openStore(folder, 100)).of(upstream)
  const incoming = await stored.begin({ oid: sha256('right'), size: 6 })
  await incoming.write(Buffer.from('right'))
  await expect(incoming.finish()).rejects.toBeInstanceOf(WrongObject)
  await incoming.discard()
  await put(stored, 'right')
  expect(await stored.has({ oid: sha256('right'), size: 6 })).toBe(false)
  expect(await stored.open({ oid: sha256('right'), size: 6 })).toBeUndefined()
  expect(await stored.has(objectOf('right'))).toBe(true)
})

test('an object whose file is gone, or is cut, is no longer stored', async () => {
  const store = await openStore(folder, 100)
  const stored = store.of(upstream)
  const damages = [(file: string) => rmSync(file), (file: string) => truncateSync(file, 2)]
  for (const damage of damages) {
    await put(stored, 'right')
    const opened = await stored.open(objectOf('right'))
    expect(opened?.size).toBe(5)
    await opened?.[Symbol.asyncDispose]()
    damage(stored.path(objectOf('right')))
    expect(await stored.open(objectOf('right'))).toBeUndefined()
    expect(store.bytes).toBe(0)
  }
  expect(files()).toEqual([])
})

test('an object that could never fit removes no other', async () => {
  const stored = (await openStore(folder, 100)).of(upstream)
  await put(stored, 'right')
  await expect(stored.begin({ oid: sha256('big'), size: 101 })).rejects.toBeInstanceOf(StoreFull)
  expect(await stored.has(objectOf('right'))).toBe(true)
})

test('an object beyond the bound is refused, and an unfinished one is removed at the next start', async () => {
  const store = await openStore(folder, 100)
  await expect(store.of(upstream).begin({ oid: sha256('big'), size: 101 })).rejects.toBeInstanceOf(StoreFull)
  const incoming = await store.of(upstream).begin(objectOf('half'))
  await incoming.write(Buffer.from('ha'))
  await openStore(folder, 100)
  expect(files()).toEqual([])
  await incoming.discard()
})

test('objects that are not written yet do not share the free bytes of the disk', async () => {
  const stored = (await openStore(folder, Number.MAX_SAFE_INTEGER)).of(upstream)
  const { bavail, bsize } = statfsSync(folder)
  const size = Math.floor(bavail * bsize * 0.6)
  const begin = (name: string) => stored.begin({ oid: sha256(name), size })
  const begun = await Promise.allSettled([begin('first'), begin('second')])
  const [incoming, ...others] = begun.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  expect(others).toEqual([])
  expect(begun.find(each => each.status === 'rejected')?.reason).toBeInstanceOf(StoreFull)
  await expect(begin('third')).rejects.toBeInstanceOf(StoreFull)
  await incoming?.discard()
  await (await begin('third')).discard()
})
