import { on } from 'node:events'
import type { Readable } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { inBytes, OverLimit } from '../limits.ts'

/** The most that one compressed stream may be long, in bytes: the library wants it whole. */
const MAX_INPUT = 128 << 20
/** The library holds one block, of up to 900 kB, several times over. */
const HEAP_MB = 64
/** Chunks of 256 KiB that may be on their way. */
const AHEAD = 8

/**
 * Unpacks bzip2. The library is synchronous and takes about a second for 10 MB, so it runs in a thread of its own,
 * which ends with the signal or when the consumer stops.
 */
export async function* bunzip(compressed: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of compressed) {
    parts.push(part)
    size += part.length
    if (size > MAX_INPUT)
      throw new OverLimit(
        `a bzip2 stream in it is longer than ${inBytes(MAX_INPUT)}`,
        'pack it with another tool',
      )
  }
  const credits = new Int32Array(new SharedArrayBuffer(4))
  credits[0] = AHEAD
  const worker = new Worker(new URL('./bunzip-worker.ts', import.meta.url), {
    workerData: { input: Buffer.concat(parts), credits },
    env: {},
    // The library still says `new Buffer`.
    execArgv: ['--no-deprecation'],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  })
  try {
    // A broken stream ends with null, too; a thread that died has said nothing of what is left.
    for await (const [chunk] of on(worker, 'message', { signal, close: ['exit'] })) {
      if (chunk === null) return
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      Atomics.add(credits, 0, 1)
      Atomics.notify(credits, 0)
    }
    throw new Error('the thread that unpacks bzip2 ended early')
  } finally {
    await worker.terminate()
  }
}
