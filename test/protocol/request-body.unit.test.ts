import { PassThrough, Writable } from 'node:stream'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { bodyOf, ClientGone, ReaderStuck, writeTo } from '../../container/http/request-body.ts'

const PATIENT = { idleMs: 60_000 }

test('a body is read to its end, and its end is told again to whoever asks again', async () => {
  const stream = new PassThrough()
  const body = bodyOf(stream, PATIENT)
  const first = body.next()
  stream.write('one')
  expect(String(await first)).toBe('one')
  stream.end('two')
  expect(String(await body.next())).toBe('two')
  expect(await body.next()).toBeUndefined()
  expect(await body.next()).toBeUndefined()
})

test.each<[string, (stream: PassThrough) => void]>([
  ['closes', stream => void stream.destroy()],
  ['fails', stream => void stream.destroy(new Error('reset'))],
])('a client that %s before the end is gone, also for those who ask later', async (_what, leave) => {
  const stream = new PassThrough().on('error', () => {})
  const body = bodyOf(stream, PATIENT)
  stream.write('one')
  await body.next()
  const waiting = body.next()
  leave(stream)
  for (const next of [waiting, body.next(), body.next()])
    await expect(next).rejects.toMatchObject({ how: 'vanished' })
  const late = new PassThrough().on('error', () => {})
  leave(late)
  await expect(bodyOf(late, PATIENT).next()).rejects.toBeInstanceOf(ClientGone)
})

test('a silent client is late once, and stays so though it sends on', async () => {
  const stream = new PassThrough()
  const body = bodyOf(stream, { idleMs: 20 })
  await expect(body.next()).rejects.toMatchObject({ how: 'idle' })
  stream.write('too late')
  await expect(body.next()).rejects.toMatchObject({ how: 'idle' })
})

test('a client may be silent for as long as nobody asks', async () => {
  const stream = new PassThrough()
  const body = bodyOf(stream, { idleMs: 400 })
  stream.write('one')
  await body.next()
  await delay(600)
  const next = body.next()
  await delay(20)
  stream.write('two')
  expect(String(await next)).toBe('two')
})

test('draining reads away what still comes, and a reader that has had enough is at the end', async () => {
  const stream = new PassThrough({ highWaterMark: 4 })
  const draining = bodyOf(stream, PATIENT).drain()
  for (let i = 0; i < 8; i++) stream.write('more')
  stream.end()
  await draining
  expect(stream.readableEnded).toBe(true)
  const body = bodyOf(new PassThrough(), PATIENT)
  const waiting = body.next()
  body.stop()
  expect(await waiting).toBeUndefined()
  expect(await body.next()).toBeUndefined()
})

test('many reads leave no listener behind', async () => {
  const stream = new PassThrough()
  const body = bodyOf(stream, PATIENT)
  const counts = () => ['readable', 'end', 'error', 'close'].map(name => stream.listenerCount(name))
  const before = counts()
  for (let i = 0; i < 20; i++) {
    stream.write('x')
    await body.next()
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
  const writing = writeTo(slow, Buffer.from('abc')).then(() => {
    isWritten = true
  })
  await turn()
  expect(isWritten).toBe(false)
  take()
  await writing
  const stuck = writeTo(slow, Buffer.from('def'), 20)
  await expect(stuck).rejects.toBeInstanceOf(ReaderStuck)
  const leaving = writeTo(slow, Buffer.from('ghi'))
  slow.destroy()
  await leaving
  await writeTo(slow, Buffer.from('jkl'))
})
