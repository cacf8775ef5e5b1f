import type { Readable, Writable } from 'node:stream'

/** Why a client's bytes ended before their end. */
export class ClientGone extends Error {
  readonly stalled: boolean
  constructor(stalled: boolean) {
    super(stalled ? 'the client stopped sending' : 'the client went away')
    this.stalled = stalled
  }
}

/** A request's body, read at the reader's pace. */
export interface Body {
  /** The next bytes, or undefined at the end. Rejects with ClientGone when none come for `idleMs`, or none can. */
  next(): Promise<Buffer | undefined>
  /** Reads to the end and drops it: a client that still sends does not see an early answer (`http.postBuffer`). */
  drain(): Promise<void>
}

export function bodyOf(stream: Readable, idleMs: number): Body {
  let ended = false
  const next = () =>
    new Promise<Buffer | undefined>((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer)
        for (const [name, listener] of listeners) stream.off(name, listener)
        act()
      }
      const read = () => {
        const chunk: Buffer | null = stream.read()
        if (chunk !== null) settle(() => resolve(chunk))
        else if (stream.readableEnded) end()
      }
      const end = () => {
        ended = true
        settle(() => resolve(undefined))
      }
      const gone = () => settle(() => reject(new ClientGone(false)))
      const listeners = [
        ['readable', read],
        ['end', end],
        ['error', gone],
        ['close', gone],
      ] as const
      const timer = setTimeout(() => settle(() => reject(new ClientGone(true))), idleMs)
      if (ended || stream.readableEnded) return end()
      if (stream.destroyed) return gone()
      for (const [name, listener] of listeners) stream.on(name, listener)
      read()
    })
  return {
    next,
    async drain() {
      while ((await next()) !== undefined);
    },
  }
}

/** Writes at the reader's pace. A reader that has closed takes the rest for nothing: its own end tells why. */
export async function writeTo(stream: Writable, bytes: Buffer): Promise<void> {
  if (stream.destroyed || !stream.writable || stream.write(bytes)) return
  await new Promise<void>(resolve => {
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}
