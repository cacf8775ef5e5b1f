import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import { PIECE } from './retryable-input.ts'

/** The library holds one block, of up to 900 kB, several times over. */
const HEAP_MB = 64
/** Chunks of 256 KiB that may be on their way. */
const AHEAD = 8

/** What the thread says: something that it unpacked, or that it wants more, has come to the end, or cannot go on. */
export type Said = Uint8Array | 'more' | 'end' | 'randomised'

/** A block is of the kind that bzip2 wrote before 0.9.5, and unpacks to this day. */
export class Randomised extends Error {}

/**
 * Unpacks one stream of bzip2: others behind it are found by their own magic. The library is synchronous and takes
 * about a second for 10 MB, so it runs in a thread of its own, which ends with the signal or when the consumer stops.
 */
export async function* bunzip(pieces: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const given = new Int32Array(new SharedArrayBuffer(4))
  const input = new Uint8Array(new SharedArrayBuffer(PIECE))
  const credits = new Int32Array(new SharedArrayBuffer(4))
  credits[0] = AHEAD
  const worker = new Worker(new URL('./bzip2-worker.ts', import.meta.url), {
    workerData: { given, input, credits },
    env: {},
    // The library still says `new Buffer`.
    execArgv: ['--no-deprecation'],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  })
  const more = pieces[Symbol.asyncIterator]()
  try {
    // A broken stream ends like any other; a thread that died has said nothing of what is left.
    for await (const [said] of on(worker, 'message', { signal, close: ['exit'] }) as AsyncIterable<[Said]>) {
      if (said === 'end') return
      if (said === 'randomised') throw new Randomised()
      if (said === 'more') {
        const { done, value } = await more.next()
        if (!done) input.set(value)
        Atomics.store(given, 0, done ? 0 : value.length)
        Atomics.notify(given, 0)
        continue
      }
      yield Buffer.from(said.buffer as ArrayBuffer, said.byteOffset, said.length)
      Atomics.add(credits, 0, 1)
      Atomics.notify(credits, 0)
    }
    throw new Error('the thread that unpacks bzip2 ended early')
  } finally {
    await worker.terminate()
  }
}
