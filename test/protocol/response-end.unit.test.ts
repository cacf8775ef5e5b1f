import type { ServerResponse } from 'node:http'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { sendWithTimeout } from '../../container/client/response-end.ts'

/** A client that takes `bytesPerMs`, piece after piece. */
const readerAt = (bytesPerMs: number) =>
  new Writable({
    write: (chunk: Buffer, _, done) => void setTimeout(done, chunk.length / bytesPerMs),
  }) as unknown as ServerResponse

const LIST = Buffer.alloc(640 << 10)
/** The client takes a piece in a third of it, and the whole list in three times as long. */
const IDLE_MS = 200

test('a slow client gets the whole of a long list of refs', async () => {
  const client = readerAt(1_000)
  expect(await sendWithTimeout(client, LIST, IDLE_MS)).toBeUndefined()
  expect(client.writableFinished).toBe(true)
})

test('a client that reads nothing of a list is disconnected', async () => {
  const client = readerAt(1)
  expect(await sendWithTimeout(client, LIST, IDLE_MS)).toBe('write-timeout')
  expect(client.destroyed).toBe(true)
})
