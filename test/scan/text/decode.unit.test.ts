import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { constants, createZstdCompress, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { defaultLimits, LimitExceeded, type Limits } from '../../../container/checks/limits.ts'
import { Budget } from '../../../container/checks/secrets/bytes/budget.ts'
import { memorySource, SEGMENT_BYTES } from '../../../container/checks/secrets/bytes/byte-source.ts'
import { VisitedTexts } from '../../../container/checks/secrets/bytes/visited-texts.ts'
import type { View } from '../../../container/checks/secrets/views/view.ts'
import { viewsOf } from '../../../container/checks/secrets/views/views.ts'
import { packedBy, tar, zip } from '../fixtures/archives.ts'
import { githubToken, prose } from '../fixtures/fakes.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-decode-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

async function views(content: Buffer, limits: Partial<Limits> = {}): Promise<View[]> {
  const found: View[] = []
  const budget = new Budget({ ...defaultLimits, maxBlobBytes: SEGMENT_BYTES, ...limits })
  const options = { path: 'a', folder, budget, signal: new AbortController().signal }
  for await (const view of viewsOf(memorySource(content), options)) found.push(view)
  return found
}

// Patterns with a greedy repeat overflow V8's stack on a match of some megabytes.
test.each<[string, () => Buffer]>([
  ['one letter', () => Buffer.alloc(SEGMENT_BYTES, 'a')],
  ['lines of letters', () => Buffer.from(`${'z'.repeat(76)}\n`.repeat(SEGMENT_BYTES / 77))],
  ['base64 in one line', () => Buffer.from(randomBytes(SEGMENT_BYTES / 2).toString('base64'))],
  ['a list of bytes', () => Buffer.from('0x41, '.repeat(SEGMENT_BYTES / 6))],
  [
    'UTF-16 in a binary',
    () => Buffer.concat([randomBytes(9001), Buffer.from('a'.repeat(SEGMENT_BYTES / 3), 'utf16le')]),
  ],
  [
    'readable text in a binary',
    () => Buffer.concat([randomBytes(9001), Buffer.alloc(SEGMENT_BYTES / 2, 'text ')]),
  ],
])('8 MiB of %s can be decoded', async (_, content) => {
  expect((await views(content())).length).toBeGreaterThan(0)
})

test('of a binary rules get printable strings alone, also of what is decoded in its lines', async () => {
  const name = 'PWD'
  const marks = Buffer.from('a\\_b\\n&shy;c<wbr>d=3D\xc2\xade\x1b[0m', 'latin1')
  const lines = Array.from({ length: 300 }, () => [
    randomBytes(300),
    Buffer.from(`${name}:\x81um\x90N\x93\x01^Z\x02\x03`, 'latin1'),
    marks,
  ])
  const found = await views(Buffer.concat(lines.flat()))
  expect(new Set(found.flatMap(({ encodings }) => encodings))).toContain('split tokens')
  const others = found.filter(({ content }) => /[^\t\n\r\x20-\x7e]/.test(content.toString('latin1')))
  expect(others.map(({ encodings }) => encodings)).toEqual([])
})

/** Returns a zstd stream whose frame header asks for a window of 2 GiB and omits the content size. */
function wideWindow(content: string): Buffer {
  const packed = zstdCompressSync(content)
  const descriptor = packed.readUInt8(4)
  const sizeLength = descriptor >> 6 === 0 ? 1 : 1 << (descriptor >> 6)
  const blocks = packed.subarray(5 + sizeLength + (descriptor & 0x20 ? 0 : 1))
  return Buffer.concat([packed.subarray(0, 4), Buffer.from([descriptor & 4, 21 << 3]), blocks])
}

/** Returns a zstd stream of 136 MiB whose end repeats its beginning, beyond a window of 128 MiB. */
async function longRange(pledgedSrcSize?: number): Promise<Buffer> {
  const repeated = randomBytes(1 << 20)
  const content = [repeated, Buffer.alloc(134 << 20), repeated]
  const { ZSTD_c_windowLog, ZSTD_c_enableLongDistanceMatching, ZSTD_c_compressionLevel } = constants
  const params = {
    [ZSTD_c_windowLog]: 28,
    [ZSTD_c_enableLongDistanceMatching]: 1,
    [ZSTD_c_compressionLevel]: 1,
  }
  const packed = await buffer(Readable.from(content).pipe(createZstdCompress({ params, pledgedSrcSize })))
  // A frame of a single segment has a window of its content size. Any other frame has a window descriptor.
  expect(Boolean(packed.readUInt8(4) & 0x20)).toBe(pledgedSrcSize !== undefined)
  return packed
}

test.each<[string, () => Buffer | Promise<Buffer>]>([
  ['zstd with a window of 256 MiB', () => longRange()],
  ['zstd of one segment of 136 MiB', () => longRange(136 << 20)],
  ['xz with a filter', () => packedBy('xz', prose(60_000), '--delta=dist=1', '--lzma2')],
  ['xz with another kind of check', () => packedBy('xz', prose(60_000), '--check=sha256')],
  ['xz with a window of 1.5 GiB', () => packedBy('xz', prose(60_000), '--lzma2=preset=0,dict=1536MiB')],
])('%s is valid and cannot be unpacked here, so the push is refused', async (_, content) => {
  await expect(views(await content())).rejects.toThrow(/in a way that the gate cannot unpack/)
})

test.each<[string, (text: string) => Buffer]>([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
  ['xz', text => packedBy('xz', text)],
  ['bzip2', text => packedBy('bzip2', text)],
])('corrupt %s is scanned up to the error', async (_, pack) => {
  const packed = pack(`${prose(3000)}${randomBytes(300_000).toString('hex')}`)
  const [cut, changed] = [packed.subarray(0, packed.length >> 1), Buffer.from(packed)]
  changed.writeUInt8((changed[changed.length >> 1] ?? 0) ^ 255, changed.length >> 1)
  for (const damaged of [cut, changed, Buffer.concat([packed, randomBytes(100)])])
    expect((await views(damaged)).length).toBeGreaterThan(0)
})

test.each<[string, () => Buffer]>([
  ['zeros', () => Buffer.alloc(300_000)],
  ['another frame', () => zstdCompressSync(randomBytes(300_000))],
  ['a member of an archive', () => Buffer.concat([Buffer.from('`\n'), randomBytes(300_000)])],
])('zstd with %s after it is unpacked, and the bytes after it are scanned', async (_, rest) => {
  const [packedToken, plainToken] = [githubToken(), githubToken()]
  const content = Buffer.concat([
    zstdCompressSync(prose(3_000) + packedToken),
    rest(),
    Buffer.from(`\n${plainToken}\n`),
  ])
  const found = await views(content)
  expect(found.some(view => view.encodings[0] === 'zstd' && view.content.includes(packedToken))).toBe(true)
  expect(found.some(view => view.encodings.length === 0 && view.content.includes(plainToken))).toBe(true)
})

test('zstd that asks for a window of 2 GiB is unpacked when its content fits the default window', async () => {
  const secret = githubToken()
  const found = await views(wideWindow(`${prose(60_000)}${secret}\n${prose(3_000)}`))
  expect(found.some(view => view.encodings[0] === 'zstd' && view.content.includes(secret))).toBe(true)
})

test('a wrapped block is decoded as one, with the line that it begins in', async () => {
  const secret = githubToken()
  const inner = `${'x'.repeat(70)} ${secret}\n${'text and more text\n'.repeat(500)}`
  const wrapped = Buffer.from(inner).toString('base64').replace(/.{76}/g, '$&\r\n')
  const found = await views(Buffer.from(`first:\nsecond:\n  ${wrapped}\nlast\n`))
  const whole = found.find(view => view.encodings[0] === 'base64' && view.content.includes(inner))
  expect(whole?.lines).toEqual({ kind: 'at', line: 3 })
})

test('a file of escapes counts nothing towards the unpacked bytes', async () => {
  const content = Buffer.from('{"text": "a line\\u000aand \\"another\\""}\n'.repeat(1_000))
  const found = await views(content, { maxUnpackedBytes: 1_000 })
  expect(found.map(({ encodings }) => encodings.join())).toContain('escapes')
})

/** Returns text with several layers of escapes, quoted-printable and base64, which can be decoded in every order. */
function inEveryOrder(layers: number): Buffer {
  let text = 'the gate lets pass what it has seen'
  for (let layer = 0; layer < layers; layer++) text = Buffer.from(text).toString('base64').replaceAll('=', '')
  const escapes = `%${'25'.repeat(36 * (layers - 1))}2541`
  return Buffer.from(`quoted-printable ${escapes} =${'3D'.repeat(layers - 1)}41 ${text}\n`)
}

test('a text that several orders of decoding lead to is scanned once', async () => {
  expect((await views(inEveryOrder(6))).length).toBeLessThan(1_000)
})

test('the same secret on two lines is found on both', async () => {
  const encoded = Buffer.from(`the token is ${githubToken()}`).toString('base64')
  const found = await views(Buffer.from(`a: ${encoded}\nb: ${encoded}\n`))
  const lines = found.flatMap(view => (view.lines.kind === 'at' ? [view.lines.line] : []))
  expect(new Set(lines)).toEqual(new Set([1, 2]))
})

test('a file with too many decoded texts is refused', () => {
  const visited = new VisitedTexts('a')
  const all = () => {
    for (let i = 0; i < 6_000; i++) visited.isNew(Buffer.from(`${i}`), [1])
  }
  expect(all).toThrow(LimitExceeded)
})

test.each(['"', '/', 'n', 'u0041'])('a thousand backslashes before %s count as one encoding', async sign => {
  const found = await views(Buffer.from(`const x = ${'\\'.repeat(1_000)}${sign}\n`))
  expect(found.map(({ encodings }) => encodings.join())).toEqual(['', 'escapes'])
})

test('JSON inside JSON is decoded eleven levels deep', async () => {
  const secret = githubToken()
  let text = `a "${secret}"`
  for (let depth = 0; depth < 11; depth++) text = JSON.stringify({ a: text })
  const found = await views(Buffer.from(text))
  expect(found.some(view => view.content.includes(`a "${secret}"`))).toBe(true)
})

test.each<[string, number, (packed: Buffer) => string]>([
  ['base64 in lines', 100_000, packed => packed.toString('base64').replace(/.{76}/g, '$&\n')],
  ['base64 in lines', 70_000, packed => packed.toString('base64').replace(/.{76}/g, '$&\n')],
  ['base64 in one line', 100_000, packed => `data: ${packed.toString('base64')}`],
  ['hex in lines', 150_000, packed => packed.toString('hex').replace(/.{64}/g, '$&\n')],
  ['a list', 300_000, packed => [...packed].join(', ').replace(/.{60,66} /g, '$&\n')],
])(
  'compressed data in %s is decoded across a segment border, from %i bytes before it',
  async (_, lead, form) => {
    const secret = githubToken()
    const packed = gzipSync(`${randomBytes(90_000).toString('hex')}${prose(5_000)}${secret}\n${prose(5_000)}`)
    const filler = Buffer.alloc(SEGMENT_BYTES - lead, 'the gate lets pass what it has seen\n')
    const found = await views(Buffer.concat([filler, Buffer.from(`\n${form(packed)}\nend\n`)]))
    expect(found.some(view => view.encodings.at(-1) === 'gzip' && view.content.includes(secret))).toBe(true)
  },
)

/** The limits of a small push, so that no time goes to unpacking. */
const SMALL: Partial<Limits> = { maxUnpacks: 200, maxUnpackedBytes: 1 << 20 }

/** Returns the processor time of this thread for decoding `unit` repeated to `bytes`, in milliseconds. */
async function costOf(unit: string, bytes: number): Promise<number> {
  const [start, end] = [Buffer.from('a=1\n'), Buffer.from('z.\n')]
  const before = process.threadCpuUsage()
  await views(Buffer.concat([start, Buffer.alloc(bytes, unit, 'latin1'), end]), SMALL).catch(error => {
    if (!(error instanceof LimitExceeded)) throw error
  })
  return process.threadCpuUsage(before).user / 1000
}

const SIGNS = [...' \t\n\0%&\\"=;:,|>~-/+#{xu0fA']
const UNITS: readonly (readonly [string, readonly string[]])[] = [
  ['one byte', Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))],
  ['two signs', SIGNS.flatMap(a => SIGNS.map(b => a + b))],
  [
    'the beginnings of compressed streams',
    [
      'x\x9c',
      'x^',
      'x\xda',
      'x\x9cK',
      'x\x9c\x05',
      'PK\x03\x04',
      'PK\x03\x04K',
      `PK\x03\x04${'\0'.repeat(26)}`,
    ]
      .concat(['\x1f\x8b\x08\x08', '\x1f\x8b\x08\x1e', '\x1f\x8b\x08\x04', '(\xb5/\xfd', '\xfd7zXZ\0'])
      .concat(['stream', 'stream\r\nx\x9c', '%PDF-', 'IDAT', 'ustar', `${'k.yaml'.padEnd(257, '\0')}ustar`]),
  ],
  [
    'the beginnings of encodings',
    [
      '%25',
      '&amp;',
      '&#1',
      '&#x1',
      '\\x4',
      '\\u004',
      '\\u{',
      '`u{1',
      '\\\\x',
      '=41',
      '=41=\n',
      'quoted-printable=',
    ]
      .concat([
        '0x41, ',
        '41 ',
        '41,\n  ',
        '65, ',
        '65;',
        '"0x41",',
        '41-',
        '0x',
        '256,',
        `1${' '.repeat(70)}`,
      ])
      .concat([
        '0000000 4141 ',
        '0000000 4141 4142 4143\n',
        '0000000   a   b   c\n',
        '0000000: 4141 4141  AA\n',
      ])
      .concat([
        '<~',
        '~>',
        'stream~>',
        '<~abc',
        'begin 644 a\n',
        'begin 644 a\nM',
        '!#$%&()*+;<=>?@^_`{|}~0aZ',
      ])
      .concat([
        'QUJD\n',
        `${'A'.repeat(33)}\n`,
        `${'A'.repeat(33)}-`,
        `// ${'A'.repeat(40)}\n`,
        '-- ',
        '// ',
        'aaaaaa\0',
      ])
      .concat([
        `${'\\'.repeat(9)}"`,
        `${'\\'.repeat(9)}z`,
        '\x1b[',
        '\x1b[1',
        '\x1b[32m',
        'literal 1\n',
        'literal 1\nA00000\n',
        'zzzzzzzzzzzzzzzzzzz\0',
        'k0123456789abcdef\n\0',
        '+QUJDREVGR0hJSktM\n',
        '&#41',
        'QUJDREVGR0hJSktM\r',
        `${'QUJD'.repeat(10)}/`,
        `${'QUJDREVG'.repeat(4)}_`,
      ])
      .concat([
        'a\0',
        '\0a',
        'a\0\0\0',
        '\0\0\0a',
        `${'a\0'.repeat(7)}b`,
        '\xff\xfe\0',
        `a=1\n${' '.repeat(5000)}x\n`,
      ]),
  ],
  [
    'the signs of recordings, tables and marked-up text',
    [
      '</span>',
      '</span>a',
      'a<span ',
      '<',
      '</td>',
      '</span><a>',
      '[(a',
      '[(a)-300',
      '[(a)-3] TJ',
      '\\par ',
      'a\b',
      'ab\x1b[D\b',
      ' \rab',
    ].concat([
      'token,',
      'token |\n',
      'token\ttoken\n',
      'secret "',
      "INSERT INTO a (token) VALUES ('",
      "('',",
      'COPY a (token) FROM stdin;\n1\t',
    ]),
  ],
]

test.each(UNITS)(
  '%s, repeated: eight times the length takes less than 24 times as long',
  {
    timeout: 120_000,
  },
  async (_, units) => {
    for (const unit of units) {
      const cost = await costOf(unit, 60_000)
      if (cost > 75)
        expect({ unit, ratio: cost / (await costOf(unit, 7_500)) < 24 }).toEqual({ unit, ratio: true })
    }
  },
)

test('probes for compressed streams are limited, and bytes that cannot begin a stream cost none', async () => {
  const many = (unit: string) => Buffer.from(`a${unit.repeat(20_000)}`, 'latin1')
  expect(await views(many('x\x9c'), { maxUnpacks: 0 })).toHaveLength(1)
  await expect(views(many('x\x9cK'), SMALL)).rejects.toThrow(/in more than 2000 places/)
})

test('a scan beyond its processor time on a shared thread is over its limit at the next yield', () => {
  const budget = new Budget({ ...defaultLimits, maxBlobBytes: SEGMENT_BYTES, maxMs: 10 })
  const threadMs = () => process.threadCpuUsage().user / 1000
  budget.timed(() => {
    const end = threadMs() + 30
    while (threadMs() < end);
  })
  expect(() => budget.shouldYield()).toThrow(LimitExceeded)
})

test('an uncompressed archive member is scanned under its name where a rule asks for it', async () => {
  const text = `kind: Secret\n${prose(100)}`
  const long = `${'a-folder/'.repeat(20)}k.yaml`
  const longLink = Buffer.from(tar({ '././@LongLink': `${long}\0` }).subarray(0, 1024))
  longLink.write('L', 156)
  for (const [packed, name] of [
    [tar({ 'a.md': 'a\n', 'k.yaml': text, 'b.ts': 'b\n' }), 'k.yaml'],
    [Buffer.concat([longLink, tar({ [long.slice(0, 99)]: text })]), long],
    [zip({ 'a.md': 'a\n', 'k.yaml': text }, { stored: true }), 'k.yaml'],
  ] as const) {
    const named = (await views(packed)).filter(view => view.name !== undefined)
    expect(named.map(view => [view.name, view.content.toString(), view.archivePath])).toEqual([
      [name, text, []],
    ])
  }
})
