import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import { CHUNK_BYTES } from './retryable-input.ts'

/** The library holds one block, of up to 900 kB, several times over. */
const HEAP_MB = 64
/** Chunks of 256 KiB that the worker may send before they are consumed. */
const WINDOW_CHUNKS = 8

/**
 * A message from the worker: unpacked bytes, a request for input, the end, or a block that the library cannot decode.
 */
export type WorkerMessage = Uint8Array | 'more' | 'end' | 'randomised'

/** A block of the randomised kind, which bzip2 wrote before 0.9.5 and still unpacks. */
export class RandomisedBlock extends Error {}

/**
 * Unpacks one bzip2 stream; streams after it are found by their own magic. The library is synchronous and takes about a
 * second for 10 MB, so it runs in a worker thread. The thread ends with the signal, or when the consumer stops. Throws
 * RandomisedBlock.
 */
export async function* unbzip2(chunks: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const inputLength = new Int32Array(new SharedArrayBuffer(4))
  const input = new Uint8Array(new SharedArrayBuffer(CHUNK_BYTES))
  const window = new Int32Array(new SharedArrayBuffer(4))
  window[0] = WINDOW_CHUNKS
  const worker = new Worker(new URL('./bzip2-worker.ts', import.meta.url), {
    workerData: { inputLength, input, window },
    env: {},
    // The library calls the deprecated `new Buffer`.
    execArgv: ['--no-deprecation'],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  })
  const nextInput = chunks[Symbol.asyncIterator]()
  try {
    // The worker reports the end of a corrupt stream too. A worker that exits without a report may have left input
    // unread.
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
