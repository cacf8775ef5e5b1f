import type { LfsObject } from '../../src/contract/lfs.ts'
import { releaseBuffer } from '../client/release-buffer.ts'
import { withAbort } from '../process/with-abort.ts'
import type { LfsUpstream } from '../upstream/lfs-server/index.ts'
import { type IncomingObject, PIECE_BYTES } from './incoming-object.ts'
import { openFile } from './open-file.ts'
import type { StoredObjects } from './store.ts'

/** A reader of an object that comes from upstream. */
export interface DownloadReader {
  /** Yields the object's bytes as they arrive. The last byte comes after the whole object has been checked. */
  read(signal: AbortSignal): AsyncGenerator<Buffer>
  /** Ends the reader. The last reader's end stops the download from upstream. */
  release(): void
}

interface SharedDownload {
  readers: number
  readonly stop: AbortController
  readonly started: Promise<{ path: string; progress: Progress }>
}

/** The objects that come from upstream into the store. Any number of readers share one download. */
export interface SharedDownloads {
  /** Follows the object's download, and starts it if there is none. Rejects with UpstreamError or StoreFull. */
  follow(object: LfsObject): Promise<DownloadReader>
}

export function createSharedDownloads(stored: StoredObjects, upstream: LfsUpstream): SharedDownloads {
  const running = new Map<string, SharedDownload>()
  const begin = (object: LfsObject): SharedDownload => {
    const stop = new AbortController()
    const over = () => {
      if (running.get(object.oid) === download) running.delete(object.oid)
    }
    const started = start(stored, upstream, object, stop.signal, over)
    started.catch(over)
    const download = { readers: 0, stop, started }
    running.set(object.oid, download)
    return download
  }
  return {
    async follow(object) {
      const download = running.get(object.oid) ?? begin(object)
      let isHere = true
      const release = () => {
        if (!isHere) return
        isHere = false
        download.readers -= 1
        if (download.readers > 0) return
        if (running.get(object.oid) === download) running.delete(object.oid)
        download.stop.abort(new Error('no client reads the object any more'))
      }
      download.readers += 1
      try {
        const { path, progress } = await download.started
        return { release, read: signal => follow([path, stored.path(object)], object.size, progress, signal) }
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
  stored: StoredObjects,
  upstream: LfsUpstream,
  object: LfsObject,
  signal: AbortSignal,
  over: () => void,
): Promise<{ path: string; progress: Progress }> {
  const incoming = await stored.begin(object)
  const progress = createProgress(object.size)
  try {
    const source = await upstream.download(object, signal)
    store(incoming, object, source, progress)
      .then(
        piece => progress.end(piece),
        (error: unknown) => progress.fail(error),
      )
      .finally(() => incoming.discard().catch(() => {}))
      .finally(over)
  } catch (error) {
    await incoming.discard()
    throw error
  }
  return { path: incoming.path, progress }
}

async function store(
  incoming: IncomingObject,
  { size }: LfsObject,
  source: AsyncIterable<Buffer>,
  progress: Progress,
): Promise<Buffer | undefined> {
  let last: Buffer | undefined
  for await (const chunk of source) {
    const piece = await incoming.write(chunk)
    // The end of the object follows with its check.
    if (piece && incoming.written < size) progress.reached(incoming.written, piece)
    else last = piece
  }
  const rest = await incoming.finish()
  await incoming.keep()
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
      if (latest) releaseBuffer(latest.bytes)
      latest = { offset: offset - piece.length, bytes: piece }
      notifyReaders()
    },
    end(piece) {
      ended = {}
      if (latest) releaseBuffer(latest.bytes)
      latest = piece && { offset: size - piece.length, bytes: piece }
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
