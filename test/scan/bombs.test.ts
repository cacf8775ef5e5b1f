import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { constants, deflateRawSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { IncomingPush } from '../../container/checks/check.ts'
import { fileRules } from '../../container/checks/file-rules.ts'
import { secrets } from '../../container/checks/secrets/index.ts'
import { packedBy, zip } from './fixtures/archives.ts'
import { prose } from './fixtures/fakes.ts'
import { gitleaks } from './fixtures/gitleaks.ts'
import { templates, type WorkTree, workTree } from './fixtures/repositories.ts'

const MIB = 1 << 20
const settings = { gitleaks, seconds: 300, maxBlobBytes: 50 * MIB, fingerprintKey: 'a key for tests' }

let tree: WorkTree
beforeEach(async () => {
  tree = await workTree()
})
afterEach(() => tree.dispose())
afterAll(() => templates.dispose())

/** Runs the check. Returns its refusals and the growth of the process's memory in bytes. */
async function measured(push: IncomingPush, check = secrets(settings)) {
  global.gc?.()
  const before = process.memoryUsage().rss
  let peak = before
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }, 20)
  const refusals = await check
    .run(push, () => {}, new AbortController().signal)
    .finally(() => clearInterval(sampler))
  return { refusals, grown: peak - before }
}

function writeObject(type: 'blob' | 'tree', input: string | Buffer): string {
  const args = ['hash-object', '-w', '--stdin', '-t', type]
  return execFileSync('git', args, { cwd: tree.dir, input, encoding: 'utf8' }).trim()
}

const treeEntry = (mode: string, name: string, id: string) =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])

/** Commits nested folders of `width` entries each, `depth` levels deep, with one blob in all of them. */
async function commitTree(width: number, depth: number): Promise<string> {
  let id = writeObject('blob', 'the same\n')
  for (let level = 0; level < depth; level++) {
    const [mode, kind] = level === 0 ? (['100644', 'f'] as const) : (['40000', 'd'] as const)
    const to = id
    const entries = Array.from({ length: width }, (_, i) =>
      treeEntry(mode, `${kind}${String(i).padStart(7, '0')}`, to),
    )
    id = writeObject('tree', Buffer.concat(entries))
  }
  return tree.git('commit-tree', id, '-p', 'HEAD', '-m', 'Many')
}

/** The default limit is 512 MiB. A smaller one saves time where unpacking is slow. */
const LESS = 32 * MIB

test.each<[string, () => Buffer, maxUnpackedBytes?: number]>([
  [
    'a zip of zips of zips',
    () => {
      let packed = zip({ a: 'the core\n' })
      for (let depth = 0; depth < 12; depth++) packed = zip({ [`${depth}.zip`]: packed })
      return packed
    },
  ],
  [
    '10 GB of zeros in gzip',
    () => {
      const member = gzipSync(Buffer.alloc(64 * MIB), { level: 1 })
      return Buffer.concat(Array.from({ length: 160 }, () => member))
    },
    LESS,
  ],
  [
    '1 GB of zeros in bzip2',
    () => {
      const member = packedBy('bzip2', Buffer.alloc(64 * MIB))
      return Buffer.concat(Array.from({ length: 16 }, () => member))
    },
    LESS,
  ],
  [
    'a gzip of gzips of zeros',
    () => {
      const member = gzipSync(Buffer.alloc(64 * MIB))
      return gzipSync(Buffer.concat(Array.from({ length: 10 }, () => member)))
    },
    LESS,
  ],
  [
    'a zip of 40,000 files',
    () => {
      const entry = zip({ a: 'x\n' }, { directory: false })
      return Buffer.concat(Array.from({ length: 40_000 }, () => entry))
    },
  ],
])(
  '%s is refused, and memory stays flat',
  { timeout: 330_000 },
  async (_, content, maxUnpackedBytes = 512 * MIB) => {
    await tree.write('bomb.dat', content())
    await tree.commit()
    const { refusals, grown } = await measured(
      await tree.push(['main']),
      secrets({ ...settings, maxUnpackedBytes }),
    )
    expect(refusals).toMatchObject([{ ref: 'refs/heads/main', reason: 'too much to scan' }])
    expect(grown).toBeLessThan(maxUnpackedBytes === LESS ? 64 * MIB : 256 * MIB)
  },
)

test.each<[string, number, number]>([
  ['a million files', 1000, 2],
  ['ten million tree entries', 216, 3],
  ['ten thousand million files in ten small trees', 10, 10],
])('%s are refused, and memory stays flat', { timeout: 330_000 }, async (_, width, depth) => {
  const commit = await commitTree(width, depth)
  const push = await tree.push([`${commit}:refs/heads/many`])
  const { refusals, grown } = await measured(push)
  expect(refusals).toMatchObject([{ reason: 'too much to scan' }])
  expect(grown).toBeLessThan(300 * MIB)
  expect(await fileRules(settings).run(push, () => {}, new AbortController().signal)).toMatchObject([
    { reason: 'the push is too large' },
  ])
})

test('long paths in many commits are refused, and memory stays flat', async () => {
  const long = 'x'.repeat(4_000)
  const [a, b] = ['one\n', 'other\n'].map(content => {
    const blob = writeObject('blob', content)
    const files = Array.from({ length: 100 }, (_, i) =>
      treeEntry('100644', `f${String(i).padStart(3, '0')}`, blob),
    )
    let id = writeObject('tree', Buffer.concat(files))
    for (let depth = 0; depth < 60; depth++) id = writeObject('tree', treeEntry('40000', long, id))
    return id
  })
  let tip = 'HEAD'
  for (let i = 0; i < 6; i++)
    tip = await tree.git('commit-tree', (i % 2 ? a : b) ?? '', '-p', tip, '-m', `${i}`)
  const push = await tree.push([`${tip}:refs/heads/long`])
  const { refusals, grown } = await measured(push)
  expect(refusals).toMatchObject([{ reason: 'too much to scan' }])
  expect(grown).toBeLessThan(300 * MIB)
})

test('one large tag under many names is refused, and memory stays flat', async () => {
  await tree.write('message', `${'x'.repeat(69)}\n`.repeat(200_000))
  await tree.git('tag', '--annotate', 'big', '--file', 'message')
  const push = await tree.push(Array.from({ length: 50 }, (_, i) => `refs/tags/big:refs/tags/t${i}`))
  const { refusals, grown } = await measured(push)
  expect(refusals[0]).toMatchObject({ reason: 'too much to scan' })
  expect(grown).toBeLessThan(300 * MIB)
})

test('one folder of a million files is refused before its tree is read', { timeout: 330_000 }, async () => {
  const commit = await commitTree(1_000_000, 1)
  const { refusals, grown } = await measured(await tree.push([`${commit}:refs/heads/many`]))
  expect(refusals).toMatchObject([{ reason: 'too much to scan' }])
  expect(grown).toBeLessThan(200 * MIB)
})

/** Writes a file of zeros as a loose object. The deflated blocks of one chunk are repeated, to save time. */
function writeZeros(objects: string, size: number): string {
  const header = Buffer.from(`blob ${size}\0`)
  const chunk = Buffer.alloc(16 * MIB)
  const chunks = size / chunk.length
  const hash = createHash('sha1').update(header)
  for (let i = 0; i < chunks; i++) hash.update(chunk)
  const id = hash.digest('hex')
  // Deflate blocks that end on a byte border and reference no earlier block (RFC 1951), then the checksum of RFC 1950,
  // to which a zero adds `a`.
  const blocks = (bytes: Buffer) => deflateRawSync(bytes, { finishFlush: constants.Z_FULL_FLUSH })
  let [a, b] = [1, 0]
  for (const byte of header) {
    a += byte
    b += a
  }
  const checksum = Buffer.alloc(4)
  checksum.writeUInt16BE((b + (size % 65_521) * a) % 65_521)
  checksum.writeUInt16BE(a, 2)
  const packed = blocks(chunk)
  const repeated = Array.from({ length: chunks }, () => packed)
  const file = [Buffer.of(0x78, 0x01), blocks(header), ...repeated, deflateRawSync(''), checksum]
  fs.mkdirSync(path.join(objects, id.slice(0, 2)), { recursive: true })
  fs.writeFileSync(path.join(objects, id.slice(0, 2), id.slice(2)), Buffer.concat(file))
  return id
}

test('a file of 2 GB is refused by its size, without reading it', async () => {
  const id = writeZeros(path.join(tree.dir, '.git', 'objects'), 2048 * MIB)
  await tree.git('update-index', '--add', '--cacheinfo', `100644,${id},huge.bin`)
  await tree.git('commit', '--quiet', '--message', 'Huge')
  const push = await tree.unpacked('refs/heads/huge', await tree.git('rev-parse', 'HEAD'))
  const { refusals, grown } = await measured(push)
  expect(refusals).toMatchObject([{ reason: 'too much to scan' }])
  expect(grown).toBeLessThan(100 * MIB)
  expect(await fileRules(settings).run(push, () => {}, new AbortController().signal)).toMatchObject([
    { ref: 'refs/heads/huge', reason: 'huge.bin is 2 GiB' },
  ])
})

test('the files of an archive share scan files', async () => {
  const files = Array.from({ length: 2_000 }, (_, i) => [`${i}.txt`, `file ${i}\n`])
  await tree.write('many.zip', zip(Object.fromEntries(files)))
  await tree.commit()
  const push = await tree.push(['main'])
  expect((await measured(push)).refusals).toEqual([])
  expect(push.record.scanned.bytes).toBeLessThan(MIB)
})

test('a push of 30 MB of text in 3 files is scanned, and memory stays flat', {
  timeout: 400_000,
}, async () => {
  const text = prose(10_000_000)
  for (let i = 0; i < 3; i++) await tree.write(`part-${i}.txt`, `${i}\n${text}`)
  await tree.commit()
  const { refusals, grown } = await measured(await tree.push(['main']))
  expect(refusals).toEqual([])
  expect(grown).toBeLessThan(300 * MIB)
})
