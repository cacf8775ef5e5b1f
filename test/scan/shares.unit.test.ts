import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defaultLimits } from '../../container/checks/limits.ts'
import type { ScanTargets } from '../../container/checks/objects/new-objects.ts'
import { Budget } from '../../container/checks/secrets/bytes/budget.ts'
import { NO_PUSH } from '../../container/checks/secrets/scan/scan-job.ts'
import { scanShareInThread } from '../../container/checks/secrets/scan/shares/share-client.ts'
import { sharesOf } from '../../container/checks/secrets/scan/shares/shares.ts'
import { gitleaks } from './fixtures/gitleaks.ts'

/** A push of files, given by id and path. */
const pushOf = (files: Readonly<Record<string, string>>, tags: ScanTargets['tags'] = []): ScanTargets => ({
  ...NO_PUSH.newObjects,
  tags,
  blobs: new Map(Object.entries(files).map(([id, path]) => [id, [{ commit: 'c', path }]])),
})

const sizesOf = ({ blobs }: ScanTargets, size: number) => new Map([...blobs.keys()].map(id => [id, size]))

test('two threads share the files of a push, and one of them gets all versions of a file', () => {
  const files = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`id${i}`, `file ${i % 10}`]))
  const push = pushOf(files)
  const sizes = sizesOf(push, 1_000)
  const { own, other } = sharesOf(push, { sizes, predecessors: new Map(), minSharedBytes: 60_000 })
  const [left, right] = [[...own.blobs.keys()], [...(other?.blobs.keys() ?? [])]]
  expect([...left, ...right].sort()).toEqual(Object.keys(files).sort())
  expect(left).toHaveLength(30)
  const paths = (ids: readonly string[]) => new Set(ids.map(id => files[id]))
  expect([...paths(left)].filter(path => paths(right).has(path))).toEqual([])
  // The order is that of the commits, so that a file comes after the one that it replaces.
  expect(left).toEqual(Object.keys(files).filter(id => left.includes(id)))
})

test('one thread scans a small push, a single file, and versions that differ little', () => {
  const push = pushOf({ a: 'a', b: 'b' })
  const sizes = sizesOf(push, 1_000)
  const share = (targets: ScanTargets, predecessors: ReadonlyMap<string, readonly string[]>, min: number) =>
    sharesOf(targets, { sizes, predecessors, minSharedBytes: min })
  expect(share(push, new Map(), 2_001).other).toBeUndefined()
  expect(share(push, new Map([['a', ['z']]]), 2_000).other).toBeUndefined()
  expect(share(pushOf({ a: 'a' }), new Map(), 0).other).toBeUndefined()
})

test('messages, names and files of tags stay with the first thread', () => {
  const tag = { id: 'a', ref: 'refs/tags/a', type: 'blob', content: Buffer.alloc(0) } as const
  const push = { ...pushOf({ a: 'a', b: 'b', c: 'c' }, [tag]), names: [{ commit: 'c', path: 'a' }] }
  const { own, other } = sharesOf(push, {
    sizes: sizesOf(push, 1_000),
    predecessors: new Map(),
    minSharedBytes: 0,
  })
  expect([...own.blobs.keys()]).toEqual(['a', 'b'])
  expect(own.names).toEqual(push.names)
  expect(other).toMatchObject({ names: [], tags: [], refs: [] })
})

test('a thread that runs out of memory fails the scan', async () => {
  const limits = { ...defaultLimits, maxBlobBytes: 1 << 20 }
  const newObjects = pushOf({ a: 'a' })
  const job = {
    git: { dir: tmpdir(), env: {} },
    gitleaks,
    gitleaksConfig: '',
    rules: undefined,
    limits,
    folder: join(tmpdir(), randomUUID()),
    newObjects,
    predecessors: new Map(),
    sizes: sizesOf(newObjects, 1),
    counts: new Budget(limits).counts,
  }
  const observer = { signal: new AbortController().signal, onPhase: () => {} }
  await expect(scanShareInThread(job, observer, 8)).rejects.toThrow(/memory/)
})
