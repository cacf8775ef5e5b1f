import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { text as consume } from 'node:stream/consumers'
import { constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { defaultLimits, LimitExceeded, type Limits } from '../../../container/checks/limits.ts'
import { Budget } from '../../../container/checks/secrets/bytes/budget.ts'
import { memorySource, type Source } from '../../../container/checks/secrets/bytes/byte-source.ts'
import { findStreams } from '../../../container/checks/secrets/unpack/find-streams.ts'
import { unpack } from '../../../container/checks/secrets/unpack/unpack.ts'
import type { View } from '../../../container/checks/secrets/views/view.ts'
import { viewsOf } from '../../../container/checks/secrets/views/views.ts'
import { packedBy, png, tar } from '../fixtures/archives.ts'
import { githubToken, prose } from '../fixtures/fakes.ts'

const MIB = 1 << 20

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-unpack-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

async function views(content: Buffer, limits: Partial<Limits> = {}): Promise<View[]> {
  const found: View[] = []
  const budget = new Budget({ ...defaultLimits, maxBlobBytes: 50 * MIB, ...limits })
  const options = { path: 'a', folder, budget, signal: new AbortController().signal }
  for await (const view of viewsOf(memorySource(content), options)) found.push(view)
  return found
}

/** Returns whether a view of the unpacked bytes holds the secret. */
async function isFound(secret: string, content: Buffer): Promise<boolean> {
  return (await views(content)).some(view => view.encodings.length > 0 && view.content.includes(secret))
}

/** Changes one byte. A negative offset counts from the end. */
function changedAt(content: Buffer, offset: number): Buffer {
  const changed = Buffer.from(content)
  const position = offset < 0 ? changed.length + offset : offset
  changed.writeUInt8(changed.readUInt8(position) ^ 255, position)
  return changed
}

/** Returns text that compresses badly and looks like no encoding. */
const noise = (bytes: number) =>
  randomBytes(bytes)
    .toString('base64')
    .replace(/[^a-z]/gi, ' ')
    .replace(/\S{9}/g, '$& ')
    .slice(0, bytes)

/** Returns a Debian package (ar, as in deb(5)). */
function deb(members: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(members).map(([name, content]) => {
    const head = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}`
    const size = `${content.length}`.padEnd(10)
    return Buffer.concat([Buffer.from(`${head}${size}\`\n`), content, Buffer.alloc(content.length % 2, 10)])
  })
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts])
}

test.each([0, 4, 13, 1000, 65_536, 70_000, 300_000])(
  'xz with %d random bytes after it is unpacked',
  async length => {
    const secret = githubToken()
    const packed = packedBy('xz', `${prose(1000)}${secret}\n${prose(1000)}`)
    expect(await isFound(secret, Buffer.concat([packed, randomBytes(length)]))).toBe(true)
  },
)

test('a token in the xz control archive of a Debian package is found', async () => {
  const secret = githubToken()
  const control = tar({ './control': 'Package: x\n', './postinst': `${prose(300)}TOKEN=${secret}\n` })
  const data = tar({ './usr/bin/x': randomBytes(100_000) })
  const content = deb({
    'debian-binary': Buffer.from('2.0\n'),
    'control.tar.xz': packedBy('xz', control),
    'data.tar.xz': packedBy('xz', data),
  })
  expect(await isFound(secret, content)).toBe(true)
})

test.each([
  ['its footer', -3],
  ['its index', -20],
  ['its check', -30],
])('xz with %s corrupt loses nothing', async (_, offset) => {
  const secret = githubToken()
  for (const before of ['', noise(100_000)]) {
    const packed = packedBy('xz', `${before}${prose(3000)}${secret}\n${prose(100)}`)
    expect(await isFound(secret, changedAt(packed, offset))).toBe(true)
  }
})

test.each<[string, (text: string) => Buffer]>([
  ['xz', text => packedBy('xz', text)],
  ['xz of blocks', text => packedBy('xz', text, '--block-size=20000')],
  ['gzip', gzipSync],
])('%s is scanned up to the corrupt byte, in a large file too', async (_, pack) => {
  for (const before of [0, 20_000, 900_000]) {
    const secret = githubToken()
    const start = `${noise(before)}${prose(3000)}${secret}\n${prose(20)}`
    const packed = pack(start + noise(200_000))
    // The same text may compress to slightly more bytes with other text after it.
    const prefixLength = pack(start).length + 1000
    const damaged = Buffer.concat([
      packed.subarray(0, prefixLength),
      Buffer.alloc(2000, 0xff),
      randomBytes(70_000),
    ])
    expect(await isFound(secret, damaged)).toBe(true)
  }
})

test.each([100, 3_000, 20_000, 50_000])(
  'gzip with an invalid block after %d bytes is scanned up to it',
  async length => {
    const secret = githubToken()
    const valid = deflateRawSync(`${noise(length)}${prose(length)}${secret}\n`, {
      finishFlush: constants.Z_FULL_FLUSH,
    })
    const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
    for (const rest of [Buffer.alloc(8, 7), Buffer.alloc(0), Buffer.alloc(100_000, 7)])
      expect(await isFound(secret, Buffer.concat([head, valid, rest]))).toBe(true)
  },
)

test.each([100, 3_000, 300_000])('zstd of %d bytes with a wrong checksum loses nothing', async length => {
  const secret = githubToken()
  const params = { [constants.ZSTD_c_checksumFlag]: 1 }
  const packed = zstdCompressSync(`${prose(length)}${secret}\n${prose(100)}`, { params })
  expect(await isFound(secret, changedAt(packed, -1))).toBe(true)
})

test('zstd is scanned up to the corrupt block', async () => {
  const secret = githubToken()
  const packed = zstdCompressSync(`${prose(100_000)}${secret}\n${noise(400_000)}`)
  expect(await isFound(secret, changedAt(packed, -10))).toBe(true)
})

test('bzip2 with a randomised block is refused', async () => {
  const packed = packedBy('bzip2', prose(1000))
  // The bit follows the magic of the stream and of the block, and the block's checksum.
  packed.writeUInt8(packed.readUInt8(14) | 0x80, 14)
  await expect(views(packed)).rejects.toThrow(/bzip2 in a way that the gate cannot unpack/)
})

test('a small bzip2 stream before 130 MiB of other bytes is unpacked without reading them', async () => {
  const text = 'a small fixture of a test\n'.repeat(20)
  const source = memorySource(Buffer.concat([packedBy('bzip2', text), Buffer.alloc(130 * MIB)]))
  let read = 0
  const counted: Source = {
    ...source,
    read(start, length) {
      read += length
      return source.read(start, length)
    },
  }
  const budget = new Budget({ ...defaultLimits, maxBlobBytes: 50 * MIB })
  const unpacked = unpack(counted, { kind: 'bzip2', offset: 0 }, budget, 'a', new AbortController().signal)
  expect(await consume(unpacked)).toBe(text)
  expect(read).toBeLessThan(MIB)
})

test.each<[string, (text: string) => Buffer]>([
  ['bzip2', text => packedBy('bzip2', text)],
  ['xz', text => packedBy('xz', text)],
  ['zstd', zstdCompressSync],
  ['gzip', gzipSync],
])('consecutive streams of %s are unpacked once each', async (kind, pack) => {
  const [repeated, lastToken] = [pack(prose(50_000)), githubToken()]
  const content = Buffer.concat([
    ...Array.from({ length: 12 }, () => repeated),
    pack(prose(1000) + lastToken),
  ])
  const found = await views(content, { maxUnpackedBytes: 13 * 60_000 })
  const unpacked = found.filter(view => view.encodings.join() === kind)
  expect(unpacked).toHaveLength(13)
  expect(unpacked.some(view => view.content.includes(lastToken))).toBe(true)
})

// The input is read in chunks of 64 KiB.
test.each([65_535, 65_536, 65_537])(
  'streams of xz and bzip2 of about %d bytes end at their own end',
  async length => {
    const secret = githubToken()
    for (const tool of ['xz', 'bzip2'] as const) {
      const packed = packedBy(tool, randomBytes(length - 800))
      const rest = packedBy(tool, prose(1000) + secret)
      expect(await isFound(secret, Buffer.concat([packed, rest]))).toBe(true)
    }
  },
)

test.each([9, 10, 11, 12, 13, 14, 15])(
  'zlib with a window of 2 ** %d bytes is found in a binary',
  async windowBits => {
    const secret = githubToken()
    for (const level of [1, 6, 9])
      for (const text of [`token = "${secret}"\n`, `${secret}\n`, `${prose(2000)}${secret}\n`]) {
        const packed = deflateSync(text, { windowBits, level })
        const content = Buffer.concat([randomBytes(201), packed, randomBytes(200)])
        expect(await isFound(secret, content)).toBe(true)
      }
  },
)

test('a text chunk of a PNG that was compressed with a small window is found, and the pixels stay compressed', async () => {
  const secret = githubToken()
  const text = Buffer.concat([Buffer.from('Comment\0\0'), deflateSync(secret, { windowBits: 12 })])
  const found = await views(png('zTXt', text))
  expect(found.filter(view => view.encodings.length > 0)).toHaveLength(1)
  expect(found.some(view => view.content.includes(secret))).toBe(true)
})

test('machine code is not taken for compressed streams', async () => {
  const program = fs.readFileSync(process.execPath).subarray(0, 48 * MIB)
  const budget = new Budget({ ...defaultLimits, maxBlobBytes: 50 * MIB, maxUnpacks: 600 })
  for (let offset = 0; offset < program.length; offset += 8 * MIB)
    expect(() =>
      findStreams(program.subarray(offset, offset + 8 * MIB), { budget, isStart: offset === 0 }),
    ).not.toThrow()
})

test.each<[string, string]>([
  ['entries of a zip', 'PK\x03\x04ABCD\x08\0'],
  ['members of gzip', '\x1f\x8b\x08\x08ABCDEFGH\0'],
  ['frames of zstd', '\x28\xb5\x2f\xfd'],
])('8 MiB of what looks like %s is over the limit, and memory stays flat', (_, unit) => {
  const content = Buffer.alloc(8 * MIB, unit, 'latin1')
  const budget = new Budget({ ...defaultLimits, maxBlobBytes: 50 * MIB })
  global.gc?.()
  const before = process.memoryUsage().rss
  expect(() => findStreams(content, { budget, isStart: true })).toThrow(LimitExceeded)
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * MIB)
})
