import { randomBytes } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { defaultLimits, type Limits } from '../../container/checks/limits.ts'
import { Budget } from '../../container/checks/secrets/budget.ts'
import { inMemory, SEGMENT } from '../../container/checks/secrets/source.ts'
import { type View, viewsOf } from '../../container/checks/secrets/views.ts'
import { packedBy } from './archives.ts'
import { githubToken, prose } from './fakes.ts'

async function views(content: Buffer, limits: Partial<Limits> = {}): Promise<View[]> {
  const found: View[] = []
  const budget = new Budget({ ...defaultLimits, maxBlobBytes: SEGMENT, ...limits })
  const options = { path: 'a', folder: '/nonexistent', budget, signal: new AbortController().signal }
  for await (const view of viewsOf(inMemory(content), options)) found.push(view)
  return found
}

// Patterns with a greedy repeat overflow V8's stack on a match of some megabytes.
test.each<[string, () => Buffer]>([
  ['one letter', () => Buffer.alloc(SEGMENT, 'a')],
  ['lines of letters', () => Buffer.from(`${'z'.repeat(76)}\n`.repeat(SEGMENT / 77))],
  ['base64 in one line', () => Buffer.from(randomBytes(SEGMENT / 2).toString('base64'))],
  ['a list of bytes', () => Buffer.from('0x41, '.repeat(SEGMENT / 6))],
  [
    'UTF-16 in a binary',
    () => Buffer.concat([randomBytes(9001), Buffer.from('a'.repeat(SEGMENT / 3), 'utf16le')]),
  ],
  ['readable text in a binary', () => Buffer.concat([randomBytes(9001), Buffer.alloc(SEGMENT / 2, 'text ')])],
])('8 MiB of %s can be looked at', async (_, content) => {
  expect((await views(content())).length).toBeGreaterThan(0)
})

/** A zstd stream that asks for a window of 2 GiB: its frame's head says so, and no longer how much it holds. */
function wideWindow(content: string): Buffer {
  const packed = zstdCompressSync(content)
  const descriptor = packed.readUInt8(4)
  const sizeLength = descriptor >> 6 === 0 ? 1 : 1 << (descriptor >> 6)
  const blocks = packed.subarray(5 + sizeLength + (descriptor & 0x20 ? 0 : 1))
  return Buffer.concat([packed.subarray(0, 4), Buffer.from([descriptor & 4, 21 << 3]), blocks])
}

test.each<[string, () => Buffer]>([
  ['xz with a filter', () => packedBy('xz', prose(60_000), '--delta=dist=1', '--lzma2')],
  ['xz with a check of another kind', () => packedBy('xz', prose(60_000), '--check=sha256')],
  ['xz with a window of 1.5 GiB', () => packedBy('xz', prose(60_000), '--lzma2=preset=0,dict=1536MiB')],
])('%s is whole and cannot be unpacked here: refused, not passed over', async (_, content) => {
  await expect(views(content())).rejects.toThrow(/in a way that the gate cannot unpack/)
})

test.each<[string, (text: string) => Buffer]>([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
  ['xz', text => packedBy('xz', text)],
  ['bzip2', text => packedBy('bzip2', text)],
])('%s that is damaged is looked at as far as it goes', async (_, pack) => {
  const packed = pack(`${prose(3000)}${randomBytes(300_000).toString('hex')}`)
  const [cut, changed] = [packed.subarray(0, packed.length >> 1), Buffer.from(packed)]
  changed.writeUInt8((changed[changed.length >> 1] ?? 0) ^ 255, changed.length >> 1)
  for (const damaged of [cut, changed, Buffer.concat([packed, randomBytes(100)])])
    expect((await views(damaged)).length).toBeGreaterThan(0)
})

test('zstd that asks for a window of 2 GiB is unpacked all the same, when it holds less', async () => {
  const secret = githubToken()
  const found = await views(wideWindow(`${prose(60_000)}${secret}\n${prose(3_000)}`))
  expect(found.some(view => view.how[0] === 'zstd' && view.content.includes(secret))).toBe(true)
})

test('what is wrapped over many lines is decoded as one piece, from its first line', async () => {
  const secret = githubToken()
  const inner = `${'x'.repeat(70)} ${secret}\n${'text and more text\n'.repeat(500)}`
  const wrapped = Buffer.from(inner).toString('base64').replace(/.{76}/g, '$&\r\n')
  const found = await views(Buffer.from(`first:\nsecond:\n  ${wrapped}\nlast\n`))
  const whole = found.find(view => view.how[0] === 'base64' && view.content.includes(inner))
  expect(whole?.lines).toEqual({ kind: 'at', line: 3 })
})

test('a file of escapes is text: what may be unpacked of a push is not used up by it', async () => {
  const content = Buffer.from('{"text": "a line\\u000aand \\"another\\""}\n'.repeat(1_000))
  const found = await views(content, { maxUnpackedBytes: 1_000 })
  expect(found.map(({ how }) => how.join())).toContain('escapes')
})
