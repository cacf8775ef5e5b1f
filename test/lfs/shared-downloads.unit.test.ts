import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { releaseBuffer } from '../../container/client/release-buffer.ts'
import { PIECE_BYTES, WrongObject } from '../../container/lfs/incoming-object.ts'
import { createSharedDownloads, type DownloadReader } from '../../container/lfs/shared-downloads.ts'
import { openStore, type StoredObjects } from '../../container/lfs/store.ts'
import { Oid } from '../../src/contract/lfs.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'
import { sha256 } from './client.ts'

let folder: string
let stored: StoredObjects
beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'gate-downloads-'))
  stored = (await openStore(folder, 100 << 20)).of(upstreamOf())
})
afterEach(() => rmSync(folder, { recursive: true }))

const objectOf = (content: Buffer) => ({ oid: Oid.parse(sha256(content)), size: content.length })
const signal = new AbortController().signal

/** An upstream that sends these chunks. */
function downloadsFrom(chunks: () => Iterable<Buffer> | AsyncIterable<Buffer>) {
  const never = () => Promise.reject(new Error('not asked in this test'))
  async function* send() {
    yield* chunks()
  }
  return createSharedDownloads(stored, {
    query: never,
    upload: never,
    locks: never,
    download: async () => send(),
  })
}

function* inChunks(content: Buffer, bytes = 50_000): Generator<Buffer> {
  for (let offset = 0; offset < content.length; offset += bytes)
    yield Buffer.from(content.subarray(offset, offset + bytes))
}

async function bytesOf({ read, release }: DownloadReader): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of read(signal)) {
    chunks.push(Buffer.from(chunk))
    // A response frees what it has sent.
    releaseBuffer(chunk)
  }
  release()
  return Buffer.concat(chunks)
}

test.each([
  ['nothing', 0],
  ['less than a piece', 1_000],
  ['a piece', PIECE_BYTES],
  ['a piece and a byte', PIECE_BYTES + 1],
  ['several pieces', 5 * PIECE_BYTES + 7],
])('readers at once each get all of an object of %s', async (_, size) => {
  const content = randomBytes(size)
  const downloads = downloadsFrom(() => inChunks(content))
  const readers = await Promise.all([1, 2, 3].map(() => downloads.follow(objectOf(content))))
  for (const bytes of await Promise.all(readers.map(bytesOf))) expect(bytes.equals(content)).toBe(true)
  expect(await stored.has(objectOf(content))).toBe(true)
})

test('a reader that came late reads what another has taken', async () => {
  const content = randomBytes(3 * PIECE_BYTES)
  const gate = Promise.withResolvers<void>()
  const downloads = downloadsFrom(async function* () {
    yield* inChunks(content.subarray(0, 2 * PIECE_BYTES), PIECE_BYTES)
    await gate.promise
    yield* inChunks(content.subarray(2 * PIECE_BYTES))
  })
  const early = await downloads.follow(objectOf(content))
  const reading = early.read(signal)
  const first = (await reading.next()).value as Buffer
  expect(first.equals(content.subarray(0, first.length))).toBe(true)
  const late = await downloads.follow(objectOf(content))
  gate.resolve()
  expect((await bytesOf(late)).equals(content)).toBe(true)
  await reading.return(undefined)
  early.release()
})

test.each([
  ['less than a piece', 1_000],
  ['a whole number of pieces', 2 * PIECE_BYTES],
])('no reader gets the end of a wrong object of %s', async (_, size) => {
  const content = randomBytes(size)
  const wrong = Buffer.from(content)
  wrong[size - 1] = (wrong[size - 1] ?? 0) ^ 1
  const { read, release } = await downloadsFrom(() => inChunks(wrong)).follow(objectOf(content))
  let received = 0
  const reading = (async () => {
    for await (const chunk of read(signal)) received += chunk.length
  })()
  await expect(reading).rejects.toBeInstanceOf(WrongObject)
  release()
  expect(received).toBeLessThan(size)
  expect(await stored.has(objectOf(content))).toBe(false)
})
