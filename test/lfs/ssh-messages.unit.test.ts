import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DELIMITER, FLUSH, PktLineError, PktLines, pktLine } from '../../container/git/pkt-line.ts'
import type { LfsSession } from '../../container/upstream/lfs-server/over-ssh/lfs-session.ts'
import { requestLocks } from '../../container/upstream/lfs-server/over-ssh/locks.ts'
import {
  encodeData,
  encodeDataRequest,
  encodeRequest,
  type Reply,
  ReplyReader,
  StreamEnded,
} from '../../container/upstream/lfs-server/over-ssh/messages.ts'
import { cuts, inPieces } from '../protocol/streams.ts'

const text = (line: string) => pktLine(`${line}\n`)
const readerOf = (pieces: readonly Buffer[]) =>
  new ReplyReader(
    (async function* () {
      yield* pieces
    })(),
  )

test('requests are written as git-lfs writes them', () => {
  expect(encodeRequest('version 1').toString('latin1')).toBe('000eversion 1\n0000')
  expect(encodeRequest('lock', { path: 'a b', refname: undefined }).toString('latin1')).toBe(
    '0009lock\n000dpath=a b\n0000',
  )
  expect(encodeRequest('batch', { transfer: 'ssh' }, ['ab 1']).toString('latin1')).toBe(
    '000abatch\n0011transfer=ssh\n00010009ab 1\n0000',
  )
  expect(encodeDataRequest('put-object ab', { size: 3 }).toString('latin1')).toBe(
    '0012put-object ab\n000bsize=3\n0001',
  )
})

test('data is written in packets of 32 KiB, and read again in any chunks', async () => {
  const data = Buffer.alloc(100_000, 'data')
  const parts = encodeData(data)
  expect(parts.filter((_, i) => i % 2 === 0).map(String)).toEqual(['8004', '8004', '8004', '06a4'])
  const head = [text('status 200'), text('size=100000'), DELIMITER]
  const stream = Buffer.concat([...head, ...parts, pktLine(''), FLUSH, text('status 404'), FLUSH])
  await fc.assert(
    fc.asyncProperty(cuts, async at => {
      const reader = readerOf(inPieces(stream, at))
      expect(await reader.head()).toMatchObject({ status: 200, hasBody: true })
      const read: Buffer[] = []
      for (let part = await reader.data(); part; part = await reader.data()) read.push(part)
      expect(Buffer.concat(read).equals(data)).toBe(true)
      expect(await reader.reply()).toMatchObject({ status: 404 })
    }),
    { numRuns: 300 },
  )
  for (const wrong of ['0001', 'fff5', '-001']) {
    const reader = readerOf([...head, Buffer.from(wrong)])
    await reader.head()
    await expect(reader.data()).rejects.toBeInstanceOf(PktLineError)
  }
  expect(encodeData(Buffer.alloc(0))).toEqual([])
})

test('replies of each form are read in any chunks', async () => {
  const bytes = Buffer.concat([
    ...[text('version=1'), text('locking'), FLUSH],
    ...[text('status 200'), FLUSH],
    ...[text('status 409'), text('path=a=b'), text(''), text('odd'), DELIMITER, text('conflict'), FLUSH],
    // Without line feeds, which the protocol leaves to the sender.
    ...[pktLine('status 202'), pktLine('next-cursor=x'), FLUSH],
  ])
  await fc.assert(
    fc.asyncProperty(cuts, async at => {
      const reader = readerOf(inPieces(bytes, at))
      expect(await reader.lines()).toEqual(['version=1', 'locking'])
      expect(await reader.reply()).toEqual({ status: 200, args: new Map(), lines: [] })
      expect(await reader.reply()).toEqual({
        status: 409,
        args: new Map([['path', 'a=b']]),
        lines: ['conflict'],
      })
      expect(await reader.reply()).toEqual({ status: 202, args: new Map([['next-cursor', 'x']]), lines: [] })
      expect(reader.isEmpty).toBe(true)
      await expect(reader.reply()).rejects.toBeInstanceOf(StreamEnded)
    }),
    { numRuns: 300 },
  )
})

test('a reply that is none, is cut or has no end is an error', async () => {
  const read = (...parts: Buffer[]) => readerOf(parts).reply()
  await expect(read(text('hello'), FLUSH)).rejects.toBeInstanceOf(PktLineError)
  await expect(read(FLUSH)).rejects.toBeInstanceOf(PktLineError)
  await expect(read(Buffer.from('hello'))).rejects.toBeInstanceOf(PktLineError)
  await expect(read(text('status 200'), DELIMITER, DELIMITER)).rejects.toBeInstanceOf(PktLineError)
  await expect(read(text('status 200'))).rejects.toBeInstanceOf(StreamEnded)
  const endless = Array.from({ length: 100 }, () => text('x'.repeat(60_000)))
  await expect(read(text('status 200'), ...endless)).rejects.toThrow('too long')
})

test('a delimiter is a packet only where the protocol has delimiters', () => {
  const lines = new PktLines()
  lines.push(DELIMITER)
  expect(() => lines.next()).toThrow(PktLineError)
  expect(lines.nextOrDelimiter()).toBe('delimiter')
  expect(lines.nextOrDelimiter()).toBeUndefined()
})

/** Serves a request for locks with this reply. Returns the answer, and the request that the server got. */
async function locks(
  [method, path, body]: readonly ['GET' | 'POST', string, unknown?],
  reply: Partial<{ status: number; args: Record<string, string>; lines: string[] }>,
) {
  let asked = ''
  const session = {
    hasLocking: reply.status !== undefined,
    async ask(request: Buffer): Promise<Reply> {
      asked = request.toString('utf8').replace(/[0-9a-f]{4}(?=[a-z])|0000$/g, '')
      const { status = 200, args = {}, lines = [] } = reply
      return { status, args: new Map(Object.entries(args)), lines }
    },
    end() {},
  } as unknown as LfsSession
  const answer = await requestLocks(session, { method, path, body })
  return { asked, status: answer.status, body: JSON.parse(answer.text) as unknown }
}

const LOCK = { id: '1', path: 'a.bin', 'locked-at': '2026-01-01T00:00:00Z', ownername: 'key' }
const JSON_LOCK = { id: '1', path: 'a.bin', locked_at: '2026-01-01T00:00:00Z', owner: { name: 'key' } }
const LISTED = ['lock 1', 'path 1 a.bin', 'locked-at 1 2026-01-01T00:00:00Z', 'ownername 1 key']

test('requests of the locking API become commands', async () => {
  const ref = { name: 'refs/heads/main' }
  expect(await locks(['POST', '', { path: 'a.bin', ref }], { status: 201, args: LOCK })).toEqual({
    asked: 'lock\npath=a.bin\nrefname=refs/heads/main\n',
    status: 201,
    body: { lock: JSON_LOCK },
  })
  expect(await locks(['POST', '/1/unlock', { force: true }], { status: 200 })).toEqual({
    asked: 'unlock 1\nforce=true\n',
    status: 200,
    body: { lock: { id: '1', path: '' } },
  })
  const listed = { status: 202, args: { 'next-cursor': '2' }, lines: LISTED }
  expect(await locks(['GET', '?path=a.bin&limit=1&other=x'], listed)).toEqual({
    asked: 'list-lock\npath=a.bin\nlimit=1\n',
    status: 200,
    body: { locks: [JSON_LOCK], next_cursor: '2' },
  })
  const lines = [...LISTED, 'owner 1 ours', 'lock 2', 'path 2 b c.bin', 'owner 2 theirs']
  expect(await locks(['POST', '/verify', { cursor: '1' }], { status: 200, lines })).toEqual({
    asked: 'list-lock\ncursor=1\n',
    status: 200,
    body: { ours: [JSON_LOCK], theirs: [{ id: '2', path: 'b c.bin' }] },
  })
})

test('a refused lock names its holder, and a server without locks has none', async () => {
  const conflict = { status: 409, args: LOCK, lines: ['conflict'] }
  expect(await locks(['POST', '', { path: 'a.bin' }], conflict)).toMatchObject({
    status: 409,
    body: { lock: JSON_LOCK, message: 'conflict' },
  })
  expect(await locks(['POST', '', {}], conflict)).toMatchObject({ status: 400 })
  expect(await locks(['GET', ''], {})).toMatchObject({ status: 404 })
})
