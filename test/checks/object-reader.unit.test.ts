import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ObjectReader, shareReaders } from '../../container/checks/objects/object-reader.ts'
import { createGit, type Git } from '../../container/git/git.ts'
import { objectsIn } from '../../container/git/objects/object-lookup.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-object-reader-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const run = (dir: string, args: readonly string[], input = '') =>
  execFileSync('git', args, { cwd: dir, input, stdio: ['pipe', 'pipe', 'ignore'] })
    .toString()
    .trim()

function repository(format: 'sha1' | 'sha256', count: number): string {
  const dir = path.join(folder, `${format}-${count}.git`)
  run(folder, ['init', '-q', '--bare', `--object-format=${format}`, dir])
  const blobs = Array.from({ length: count }, (_, i) => `blob\ndata ${String(i).length}\n${i}\n`)
  run(dir, ['fast-import', '--quiet'], blobs.join(''))
  return dir
}

const objectsOf = (dir: string, format: 'sha1' | 'sha256', max = 1_000) =>
  objectsIn(path.join(dir, 'objects'), format, max)

/** A git that counts the processes that it starts. */
function counted(dir: string): Git & { readonly started: () => number } {
  const git = createGit(dir, { PATH: process.env.PATH ?? '' })
  let count = 0
  return {
    ...git,
    started: () => count,
    spawn(...all) {
      count += 1
      return git.spawn(...all)
    },
  }
}

async function typeOf(git: Git, id: string, signal = AbortSignal.timeout(60_000)) {
  await using objects = new ObjectReader(git, signal)
  for await (const info of objects.info([id])) return info?.type
  return undefined
}

test.each(['sha1', 'sha256'] as const)('received objects are listed as git lists them (%s)', format => {
  const dir = repository(format, 700)
  run(dir, ['hash-object', '-w', '--stdin'], 'a loose object')
  const byGit = run(dir, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']).split('\n')
  expect(byGit).toHaveLength(701)
  expect(objectsOf(dir, format)?.sort()).toEqual(byGit)
  fs.writeFileSync(path.join(dir, 'objects', 'pack', 'pack-x.idx'), Buffer.alloc(2_000))
  expect(() => objectsOf(dir, format)).toThrow('another version')
})

test('no more received objects are listed than a push may have', () => {
  const dir = repository('sha1', 600)
  expect(objectsOf(dir, 'sha1', 600)).toHaveLength(600)
  expect(objectsOf(dir, 'sha1', 599)).toBeUndefined()
  const packs = path.join(dir, 'objects', 'pack')
  const index = path.join(packs, fs.readdirSync(packs).find(name => name.endsWith('.idx')) ?? '')
  fs.chmodSync(index, 0o600)
  // The header, the fanout table and 11 names: a longer list cannot be read.
  fs.truncateSync(index, 8 + 256 * 4 + 11 * 20)
  expect(objectsOf(dir, 'sha1', 10)).toBeUndefined()
  expect(() => objectsOf(dir, 'sha1', 11)).toThrow('ends early')
})

test('readers of a push use one process after another, and end it with the push', async () => {
  const dir = repository('sha1', 3)
  const [id = ''] = objectsOf(dir, 'sha1') ?? []
  const git = counted(dir)
  {
    await using _ = shareReaders(git)
    for (let i = 0; i < 3; i++) expect(await typeOf(git, id)).toBe('blob')
    expect(git.started()).toBe(1)
  }
  expect(await typeOf(git, id)).toBe('blob')
  expect(git.started()).toBe(2)
})

test('a process with an unread response, or whose reader was aborted, serves no other reader', async () => {
  const dir = repository('sha1', 4)
  const ids = objectsOf(dir, 'sha1') ?? []
  const git = counted(dir)
  await using _ = shareReaders(git)
  {
    await using objects = new ObjectReader(git, AbortSignal.timeout(60_000))
    for await (const info of objects.info(ids)) if (info) break
  }
  expect(await typeOf(git, ids[0] ?? '')).toBe('blob')
  expect(git.started()).toBe(2)
  const stop = new AbortController()
  {
    await using objects = new ObjectReader(git, stop.signal)
    expect((await objects.whole(ids[0] ?? '', 100))?.type).toBe('blob')
    stop.abort()
  }
  expect(git.started()).toBe(2)
  expect(await typeOf(git, ids[0] ?? '')).toBe('blob')
  expect(git.started()).toBe(3)
})
