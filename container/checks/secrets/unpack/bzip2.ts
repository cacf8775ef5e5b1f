import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import { CHUNK_BYTES } from './retryable-input.ts'

/** The library holds one block, of up to 900 kB, several times over. */
const HEAP_MB = 64
/** Chunks of 256 KiB that may be on their way. */
const WINDOW_CHUNKS = 8

/** What the thread says: something that it unpacked, or that it wants more, has come to the end, or cannot go on. */
export type WorkerMessage = Uint8Array | 'more' | 'end' | 'randomised'

/** A block is of the kind that bzip2 wrote before 0.9.5, and unpacks to this day. */
export class RandomisedBlock extends Error {}

/**
 * Unpacks one stream of bzip2: others behind it are found by their own magic. The library is synchronous and takes
 * about a second for 10 MB, so it runs in a thread of its own, which ends with the signal or when the consumer stops.
 */
export async function* unbzip2(chunks: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const inputLength = new Int32Array(new SharedArrayBuffer(4))
  const input = new Uint8Array(new SharedArrayBuffer(CHUNK_BYTES))
  const window = new Int32Array(new SharedArrayBuffer(4))
  window[0] = WINDOW_CHUNKS
  const worker = new Worker(new URL('./bzip2-worker.ts', import.meta.url), {
    workerData: { inputLength, input, window },
    env: {},
    // The library still says `new Buffer`.
    execArgv: ['--no-deprecation'],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  })
  const nextInput = chunks[Symbol.asyncIterator]()
  try {
    // A broken stream ends like any other; a thread that died has said nothing of what is left.
    for await (const [message] of on(worker, 'message', { signal, close: ['exit'] }) as AsyncIterable<
      [WorkerMessage]
    >) {
      if (message === 'end') return
      if (message === 'randomised') throw new RandomisedBlock()
      if (message === 'more') {
        const { done, value } = await nextInput.next()
        if (!done) input.set(value)
        Atomics.store(inputLength, 0, done ? 0 : value.length)
        Atomics.notify(inputLength, 0)
        continue
      }
      yield Buffer.from(message.buffer as ArrayBuffer, message.byteOffset, message.length)
      Atomics.add(window, 0, 1)
      Atomics.notify(window, 0)
    }
    throw new Error('the thread that unpacks bzip2 ended early')
  } finally {
    await worker.terminate()
  }
}
