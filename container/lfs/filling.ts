import type { LfsObject } from '../../src/contract/lfs.ts'
import { withAbort } from '../process/with-abort.ts'
import type { LfsUpstream } from '../upstream/lfs-server/index.ts'
import { type Arrival, PIECE_BYTES } from './arrival.ts'
import { openFile } from './open-file.ts'
import type { Shelf } from './store.ts'

/** A reader of an object that comes from upstream. */
export interface FillingReader {
  /** Yields the object's bytes as they arrive. The last byte comes after the whole object has been checked. */
  read(signal: AbortSignal): AsyncGenerator<Buffer>
  /** Ends the reader. The last reader's end stops the transfer from upstream. */
  release(): void
}

interface Filling {
  readers: number
  readonly stop: AbortController
  readonly started: Promise<{ path: string; progress: Progress }>
}

/** The objects that come from upstream into a shelf. Any number of readers share one transfer. */
export interface Fillings {
  /** Follows the object's transfer, and starts it if there is none. Rejects with UpstreamError or StoreFull. */
  follow(object: LfsObject): Promise<FillingReader>
}

export function createFillings(shelf: Shelf, upstream: LfsUpstream): Fillings {
  const running = new Map<string, Filling>()
  const begin = (object: LfsObject): Filling => {
    const stop = new AbortController()
    const over = () => {
      if (running.get(object.oid) === filling) running.delete(object.oid)
    }
    const started = start(shelf, upstream, object, stop.signal, over)
    started.catch(over)
    const filling = { readers: 0, stop, started }
    running.set(object.oid, filling)
    return filling
  }
  return {
    async follow(object) {
      const filling = running.get(object.oid) ?? begin(object)
      let isHere = true
      const release = () => {
        if (!isHere) return
        isHere = false
        filling.readers -= 1
        if (filling.readers > 0) return
        if (running.get(object.oid) === filling) running.delete(object.oid)
        filling.stop.abort(new Error('no client reads the object any more'))
      }
      filling.readers += 1
      try {
        const { path, progress } = await filling.started
        return { release, read: signal => follow([path, shelf.path(object)], object.size, progress, signal) }
      } catch (error) {
        release()
        throw error
      }
    },
  }
}

async function* follow(
  paths: readonly [string, string],
  size: number,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (size === 0) await progress.waitForMore(-1, signal)
  // A large object is opened at once: it may leave the store before a slow client has it.
  let file = size > PIECE_BYTES ? await openFile(...paths) : undefined
  try {
    for (let offset = 0; offset < size; ) {
      const until = await progress.waitForMore(offset, signal)
      let bytes = progress.take(offset)
      if (!bytes) {
        file ??= await openFile(...paths)
        bytes = await file.read(offset, until - offset)
      }
      offset += bytes.length
      yield bytes
    }
  } finally {
    await file?.[Symbol.asyncDispose]()
  }
}

async function start(
  shelf: Shelf,
  upstream: LfsUpstream,
  object: LfsObject,
  signal: AbortSignal,
  over: () => void,
): Promise<{ path: string; progress: Progress }> {
  const arrival = await shelf.begin(object)
  const progress = createProgress(object.size)
  try {
    const source = await upstream.download(object, signal)
    fill(arrival, object, source, progress)
      .then(
        piece => progress.end(piece),
        (error: unknown) => progress.fail(error),
      )
      .finally(() => arrival.discard().catch(() => {}))
      .finally(over)
  } catch (error) {
    await arrival.discard()
    throw error
  }
  return { path: arrival.path, progress }
}

async function fill(
  arrival: Arrival,
  { size }: LfsObject,
  source: AsyncIterable<Buffer>,
  progress: Progress,
): Promise<Buffer | undefined> {
  let last: Buffer | undefined
  for await (const chunk of source) {
    const piece = await arrival.write(chunk)
    // The end of the object follows with its check.
    if (piece && arrival.written < size) progress.reached(arrival.written, piece)
    else last = piece
  }
  const rest = await arrival.finish()
  await arrival.keep()
  return rest ?? last
}

/** Tells readers how far a file is written. */
interface Progress {
  /** Says up to which offset the file is written. `piece`: the bytes before it. */
  reached(offset: number, piece: Buffer): void
  /** Says that the object is checked. `piece`: its last bytes. */
  end(piece: Buffer | undefined): void
  fail(error: unknown): void
  /**
   * Resolves with the offset up to which bytes after `offset` may be read. Before the object is checked that is
   * never its end. Rejects when the transfer has failed.
   */
  waitForMore(offset: number, signal: AbortSignal): Promise<number>
  /** Returns the latest piece if it begins at this offset. The first reader gets it, the others read the file. */
  take(offset: number): Buffer | undefined
}

function createProgress(size: number): Progress {
  let written = 0
  let latest: { readonly offset: number; readonly bytes: Buffer } | undefined
  let ended: { error?: unknown } | undefined
  let changed = Promise.withResolvers<void>()
  const notifyReaders = () => {
    changed.resolve()
    changed = Promise.withResolvers<void>()
  }
  return {
    reached(offset, piece) {
      written = offset
      latest = { offset: offset - piece.length, bytes: piece }
      notifyReaders()
    },
    end(piece) {
      ended = {}
      if (piece) latest = { offset: size - piece.length, bytes: piece }
      notifyReaders()
    },
    fail(error) {
      ended = { error }
      notifyReaders()
    },
    take(offset) {
      if (latest?.offset !== offset) return undefined
      const { bytes } = latest
      latest = undefined
      return bytes
    },
    async waitForMore(offset, signal) {
      for (;;) {
        signal.throwIfAborted()
        if (ended && 'error' in ended) throw ended.error
        const until = ended ? size : Math.min(written, size - 1)
        if (until > offset) return until
        await withAbort(changed.promise, signal)
      }
    },
  }
}
