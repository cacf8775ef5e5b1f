import type { IncomingMessage } from 'node:http'
import { PassThrough, Writable } from 'node:stream'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { contentOf, UnreadableBody } from '../../container/client/inflate-body.ts'
import {
  ClientGone,
  readBody,
  WriteTimeout,
  writeWithBackpressure,
} from '../../container/client/request-body.ts'

const PATIENT = { idleMs: 60_000 }

test('a body is read to its end, and its end is told again to whoever asks again', async () => {
  const stream = new PassThrough()
  const body = readBody(stream, PATIENT)
  const first = body.read()
  stream.write('one')
  expect(String(await first)).toBe('one')
  stream.end('two')
  expect(String(await body.read())).toBe('two')
  expect(await body.read()).toBeUndefined()
  expect(await body.read()).toBeUndefined()
})

test.each<[string, (stream: PassThrough) => void]>([
  ['closes', stream => void stream.destroy()],
  ['fails', stream => void stream.destroy(new Error('reset'))],
])('a client that %s before the end is gone, also for those who ask later', async (_what, leave) => {
  const stream = new PassThrough().on('error', () => {})
  const body = readBody(stream, PATIENT)
  stream.write('one')
  await body.read()
  const waiting = body.read()
  leave(stream)
  for (const next of [waiting, body.read(), body.read()])
    await expect(next).rejects.toMatchObject({ reason: 'disconnected' })
  const late = new PassThrough().on('error', () => {})
  leave(late)
  await new Promise<void>(resolve => late.once('close', () => resolve()))
  await expect(readBody(late, PATIENT).read()).rejects.toBeInstanceOf(ClientGone)
})

test('a silent client is late once, and stays so though it sends on', async () => {
  const stream = new PassThrough()
  const body = readBody(stream, { idleMs: 20 })
  await expect(body.read()).rejects.toMatchObject({ reason: 'idle-timeout' })
  stream.write('too late')
  await expect(body.read()).rejects.toMatchObject({ reason: 'idle-timeout' })
})

test('a client may be silent for as long as nobody asks', async () => {
  const stream = new PassThrough()
  const body = readBody(stream, { idleMs: 400 })
  stream.write('one')
  await body.read()
  await delay(600)
  const next = body.read()
  await delay(20)
  stream.write('two')
  expect(String(await next)).toBe('two')
})

test('draining reads away what still comes, and a reader that has had enough is at the end', async () => {
  const stream = new PassThrough({ highWaterMark: 4 })
  const draining = readBody(stream, PATIENT).drain()
  for (let i = 0; i < 8; i++) stream.write('more')
  stream.end()
  await draining
  expect(stream.readableEnded).toBe(true)
  const body = readBody(new PassThrough(), PATIENT)
  const waiting = body.read()
  body.endOfBody()
  expect(await waiting).toBeUndefined()
  expect(await body.read()).toBeUndefined()
})

test('a client that falls silent is disconnected, also after a read that no caller awaits any more', async () => {
  const stream = new PassThrough()
  const body = readBody(stream, { idleMs: 50 })
  // git has exited, and its last read of the client's bytes is still pending.
  const unawaited = body.read()
  const draining = body.drain()
  stream.write('one')
  expect(String(await unawaited)).toBe('one')
  await expect(draining).rejects.toMatchObject({ reason: 'idle-timeout' })
})

test('a client whose gzip body is refused is disconnected when it falls silent', async () => {
  const stream = new PassThrough()
  const request = { headers: { 'content-encoding': 'gzip' } } as IncomingMessage
  const body = contentOf(request, readBody(stream, { idleMs: 50 }))
  stream.write('no gzip')
  await expect(body.read()).rejects.toBeInstanceOf(UnreadableBody)
  const draining = body.drain()
  stream.write('more')
  await expect(draining).rejects.toMatchObject({ reason: 'idle-timeout' })
})

test('many reads leave no listener behind', async () => {
  const stream = new PassThrough()
  const body = readBody(stream, PATIENT)
  const counts = () => ['readable', 'end', 'error', 'close'].map(name => stream.listenerCount(name))
  const before = counts()
  for (let i = 0; i < 20; i++) {
    stream.write('x')
    await body.read()
  }
  expect(counts()).toEqual(before)
})

test('bytes are written at the reader’s pace, and a reader that has gone takes them for nothing', async () => {
  let take = () => {}
  const slow = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => {
      take = done
    },
  })
  let isWritten = false
  const writing = writeWithBackpressure(slow, Buffer.from('abc')).then(() => {
    isWritten = true
  })
  await turn()
  expect(isWritten).toBe(false)
  take()
  await writing
  const stuck = writeWithBackpressure(slow, Buffer.from('def'), 20)
  await expect(stuck).rejects.toBeInstanceOf(WriteTimeout)
  const leaving = writeWithBackpressure(slow, Buffer.from('ghi'))
  slow.destroy()
  await leaving
  await writeWithBackpressure(slow, Buffer.from('jkl'))
})
