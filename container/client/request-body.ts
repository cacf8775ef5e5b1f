import type { Readable, Writable } from 'node:stream'
import { DISCONNECT_MESSAGES, type DisconnectReason } from '../../src/contract/outcome.ts'
import { IdleDeadline, type Pace } from './idle-deadline.ts'
import { releaseBuffer } from './release-buffer.ts'

/** Why a client's bytes ended before their end. */
export class ClientGone extends Error {
  readonly reason: DisconnectReason
  constructor(reason: DisconnectReason) {
    super(DISCONNECT_MESSAGES[reason])
    this.reason = reason
  }
}

/** What a client sends, read at the reader's pace. */
export interface Body {
  /** The next bytes, or undefined at the end. Rejects with ClientGone when they come too slowly, or none can come. */
  read(): Promise<Buffer | undefined>
  /** Reads to the end and drops it: a client that still sends does not see an early answer (`http.postBuffer`). */
  drain(): Promise<void>
}

/** A body whose reader says how slow the client may be, and when it has had enough. */
export interface WatchedBody extends Body {
  /** From now on the client may be silent for so long, in milliseconds; a wait that goes on begins anew. */
  setIdleTimeout(idleMs: number): void
  /** The rest has to come within this time, in milliseconds. */
  within(ms: number): void
  /** What is awaited, and all that follows, is at its end. */
  endOfBody(): void
}

export function readBody(stream: Readable, pace: Pace): WatchedBody {
  let ended = false
  let lost: ClientGone | undefined
  let waiting: { end(): void; fail(reason: DisconnectReason): void } | undefined
  const deadline = new IdleDeadline(pace, reason => waiting?.fail(reason))
  const read = () =>
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
        lost = new ClientGone(reason)
        settle(() => reject(lost))
      }
      const gone = () => fail('vanished')
      const listeners = [
        ['readable', read],
        ['end', end],
        ['error', gone],
        ['close', gone],
      ] as const
      if (ended || stream.readableEnded) return end()
      if (lost) return reject(lost)
      if (stream.destroyed) return gone()
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

/** A reader took nothing for too long. */
export class WriteTimeout extends Error {}

/**
 * Writes at the reader's pace, and frees what is written. A reader that has closed takes the rest for nothing: its own
 * end tells why. One that takes nothing for `withinMs` rejects with ReaderStuck.
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
