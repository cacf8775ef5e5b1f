import type { Readable, Writable } from 'node:stream'
import { DISCONNECT_MESSAGES, type DisconnectReason } from '../../src/contract/outcome.ts'
import { IdleDeadline, type Pace } from './idle-deadline.ts'
import { releaseBuffer } from './release-buffer.ts'

/** The client's bytes ended early; `reason` says why. */
export class ClientGone extends Error {
  readonly reason: DisconnectReason
  constructor(reason: DisconnectReason) {
    super(DISCONNECT_MESSAGES[reason])
    this.reason = reason
  }
}

/** The bytes of a client, read at the reader's pace. */
export interface Body {
  /**
   * Returns the next bytes, or undefined at the end. Rejects with ClientGone on a timeout or a disconnect.
   */
  read(): Promise<Buffer | undefined>
  /**
   * Reads to the end and discards the bytes: a client that still sends does not read an early response
   * (`http.postBuffer`).
   */
  drain(): Promise<void>
}

/** A body whose reader sets the timeouts and may end it early. */
export interface WatchedBody extends Body {
  /** Sets the idle timeout in milliseconds. A running wait starts again. */
  setIdleTimeout(idleMs: number): void
  /** Limits the time for the rest of the body, in milliseconds. */
  within(ms: number): void
  /** Ends the body. The current read and all later reads return undefined. */
  endOfBody(): void
}

export function readBody(stream: Readable, pace: Pace): WatchedBody {
  let ended = false
  let failure: ClientGone | undefined
  let waiting: { end(): void; fail(reason: DisconnectReason): void } | undefined
  const deadline = new IdleDeadline(pace, reason => waiting?.fail(reason))
  let last: Promise<unknown> = Promise.resolve()
  /** Reads follow each other: a caller may stop waiting for a read, and that read still takes the next bytes. */
  const read = () => {
    const next = last.then(readNext)
    last = next.catch(() => {})
    return next
  }
  const readNext = () =>
    new Promise<Buffer | undefined>((resolve, reject) => {
      const settle = (act: () => void) => {
        deadline.rest()
        waiting = undefined
        for (const [name, listener] of listeners) stream.off(name, listener)
        act()
      }
      const read = () => {
        const chunk: Buffer | null = stream.read()
        if (chunk !== null) {
          deadline.received(chunk.length)
          settle(() => resolve(chunk))
        } else if (stream.readableEnded) end()
      }
      const end = () => {
        ended = true
        settle(() => resolve(undefined))
      }
      const fail = (reason: DisconnectReason) => {
        failure = new ClientGone(reason)
        settle(() => reject(failure))
      }
      const onDisconnect = () => fail('disconnected')
      const listeners = [
        ['readable', read],
        ['end', end],
        ['error', onDisconnect],
        ['close', onDisconnect],
      ] as const
      if (ended || stream.readableEnded) return end()
      if (failure) return reject(failure)
      if (stream.destroyed) return onDisconnect()
      waiting = { end, fail }
      deadline.wait()
      for (const [name, listener] of listeners) stream.on(name, listener)
      read()
    })
  return {
    read,
    async drain() {
      while (await read());
    },
    setIdleTimeout: ms => deadline.allow(ms),
    within: ms => deadline.within(ms),
    endOfBody() {
      ended = true
      waiting?.end()
    },
  }
}

/**
 * Reads a body up to its end or to `limit` bytes. `whole` is all of it, if it ended. The returned body starts
 * at the first byte again, and rejects as the body did.
 */
export async function peekBody(
  body: Body,
  limit: number,
): Promise<{ whole?: Buffer | undefined; body: Body }> {
  const chunks: Buffer[] = []
  let size = 0
  let end: { error?: unknown } | undefined
  while (!end && size <= limit)
    try {
      const chunk = await body.read()
      if (!chunk) end = {}
      else chunks.push(chunk)
      size += chunk?.length ?? 0
    } catch (error) {
      end = { error }
    }
  const again: Body = {
    async read() {
      const chunk = chunks.shift()
      if (chunk || !end) return chunk ?? body.read()
      if ('error' in end) throw end.error
      return undefined
    },
    drain: body.drain,
  }
  return { whole: end && !('error' in end) ? Buffer.concat(chunks) : undefined, body: again }
}

/** The reader took no bytes before the timeout. */
export class WriteTimeout extends Error {}

/**
 * Writes with backpressure, and frees the bytes once they are written. After the reader has closed, bytes are
 * discarded: the reader's own exit gives the reason. Rejects with WriteTimeout when the reader takes no bytes
 * within `withinMs` milliseconds.
 */
export async function writeWithBackpressure(
  stream: Writable,
  bytes: Buffer,
  withinMs?: number,
): Promise<void> {
  if (
    stream.destroyed ||
    !stream.writable ||
    stream.write(bytes, error => void (error || releaseBuffer(bytes)))
  )
    return
  await new Promise<void>((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(late)
      stream.off('drain', done)
      stream.off('close', done)
      act()
    }
    const done = () => settle(resolve)
    const late =
      withinMs === undefined
        ? undefined
        : setTimeout(() => settle(() => reject(new WriteTimeout('nothing is read'))), withinMs)
    stream.on('drain', done)
    stream.on('close', done)
  })
}
