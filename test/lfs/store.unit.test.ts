import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, truncateSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { StoreFull, WrongObject } from '../../container/lfs/arrival.ts'
import { openStore, type Shelf } from '../../container/lfs/store.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'
import { sha256 } from './client.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'gate-store-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const upstream = upstreamOf()
const objectOf = (content: string) => ({ oid: sha256(content), size: content.length })

async function put(shelf: Shelf, content: string): Promise<void> {
  const arrival = await shelf.begin(objectOf(content))
  await arrival.write(Buffer.from(content))
  await arrival.finish()
  await arrival.keep()
}
const files = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter(each => each.isFile())

test('the object that was not used for longest goes first, and the bound holds after a restart', async () => {
  const shelf = (await openStore(folder, 100)).of(upstream)
  const [first, second, third] = ['1', '2', '3'].map(each => each.repeat(40)) as [string, string, string]
  await put(shelf, first)
  await put(shelf, second)
  shelf.path(objectOf(first))
  await put(shelf, third)
  expect(await Promise.all([first, second, third].map(each => shelf.has(objectOf(each))))).toEqual([
    true,
    false,
    true,
  ])
  expect((await openStore(folder, 100)).bytes).toBe(80)
})

test('other bytes than the object’s are refused, and leave nothing', async () => {
  const shelf = (await openStore(folder, 100)).of(upstream)
  for (const [content, sent] of [
    ['right', 'wrong'],
    ['right', 'righ'],
    ['right', 'rightly'],
  ] as const) {
    const arrival = await shelf.begin(objectOf(content))
    const written = arrival.write(Buffer.from(sent)).then(() => arrival.finish())
    await expect(written).rejects.toBeInstanceOf(WrongObject)
    await arrival.discard()
  }
  expect(files()).toEqual([])
})

test('more bytes than were announced are not written to disk', async () => {
  const shelf = (await openStore(folder, 100)).of(upstream)
  const arrival = await shelf.begin(objectOf('right'))
  await expect(arrival.write(Buffer.from('rightly'))).rejects.toBeInstanceOf(WrongObject)
  expect(arrival.written).toBe(0)
  await arrival.discard()
})

test('small chunks go to disk in pieces, in their order', async () => {
  const shelf = (await openStore(folder, 1_000_000)).of(upstream)
  const content = Array.from({ length: 50_000 }, (_, i) => `${i}\n`).join('')
  const arrival = await shelf.begin(objectOf(content))
  const seen = new Set<number>()
  for (let offset = 0; offset < content.length; offset += 1_000) {
    await arrival.write(Buffer.from(content.slice(offset, offset + 1_000)))
    seen.add(arrival.written)
  }
  expect(seen.size).toBeLessThan(10)
  await arrival.finish()
  await arrival.keep()
  expect(readFileSync(shelf.path(objectOf(content)), 'utf8')).toBe(content)
})

test('an object is of its id and its size, both when it arrives and when it is asked for', async () => {
  const shelf = (await openStore(folder, 100)).of(upstream)
  const arrival = await shelf.begin({ oid: sha256('right'), size: 6 })
  await arrival.write(Buffer.from('right'))
  await expect(arrival.finish()).rejects.toBeInstanceOf(WrongObject)
  await arrival.discard()
  await put(shelf, 'right')
  expect(await shelf.has({ oid: sha256('right'), size: 6 })).toBe(false)
  expect(await shelf.open({ oid: sha256('right'), size: 6 })).toBeUndefined()
  expect(await shelf.has(objectOf('right'))).toBe(true)
})

test('an object whose file is gone, or is cut, is no longer stored', async () => {
  const store = await openStore(folder, 100)
  const shelf = store.of(upstream)
  const damages = [(file: string) => rmSync(file), (file: string) => truncateSync(file, 2)]
  for (const damage of damages) {
    await put(shelf, 'right')
    const opened = await shelf.open(objectOf('right'))
    expect(opened?.size).toBe(5)
    await opened?.[Symbol.asyncDispose]()
    damage(shelf.path(objectOf('right')))
    expect(await shelf.open(objectOf('right'))).toBeUndefined()
    expect(store.bytes).toBe(0)
  }
  expect(files()).toEqual([])
})

test('an object that could never fit removes no other', async () => {
  const shelf = (await openStore(folder, 100)).of(upstream)
  await put(shelf, 'right')
  await expect(shelf.begin({ oid: sha256('big'), size: 101 })).rejects.toBeInstanceOf(StoreFull)
  expect(await shelf.has(objectOf('right'))).toBe(true)
})

test('an object beyond the bound is refused, and an unfinished one is removed at the next start', async () => {
  const store = await openStore(folder, 100)
  await expect(store.of(upstream).begin({ oid: sha256('big'), size: 101 })).rejects.toBeInstanceOf(StoreFull)
  const arrival = await store.of(upstream).begin(objectOf('half'))
  await arrival.write(Buffer.from('ha'))
  await openStore(folder, 100)
  expect(files()).toEqual([])
  await arrival.discard()
})

test('objects that are not written yet do not share the free bytes of the disk', async () => {
  const shelf = (await openStore(folder, Number.MAX_SAFE_INTEGER)).of(upstream)
  const { bavail, bsize } = statfsSync(folder)
  const size = Math.floor(bavail * bsize * 0.6)
  const begin = (name: string) => shelf.begin({ oid: sha256(name), size })
  const begun = await Promise.allSettled([begin('first'), begin('second')])
  const [arrival, ...others] = begun.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  expect(others).toEqual([])
  expect(begun.find(each => each.status === 'rejected')?.reason).toBeInstanceOf(StoreFull)
  await expect(begin('third')).rejects.toBeInstanceOf(StoreFull)
  await arrival?.discard()
  await (await begin('third')).discard()
})
