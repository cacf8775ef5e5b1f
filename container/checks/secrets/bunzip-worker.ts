import { parentPort, workerData } from 'node:worker_threads'
import Bunzip from 'seek-bzip'

const { input, credits } = workerData as { input: Uint8Array; credits: Int32Array }
const chunk = Buffer.alloc(256 << 10)
let length = 0

/** Hands over what is unpacked, and sleeps while the other side has not taken what it got. */
function flush(): void {
  if (length === 0) return
  while (Atomics.load(credits, 0) <= 0) Atomics.wait(credits, 0, 0)
  Atomics.sub(credits, 0, 1)
  parentPort?.postMessage(Uint8Array.prototype.slice.call(chunk, 0, length))
  length = 0
}

let at = 0
try {
  Bunzip.decode(
    { readByte: () => input[at++] ?? -1, eof: () => at >= input.length },
    {
      writeByte(byte: number) {
        chunk[length++] = byte
        if (length === chunk.length) flush()
      },
    },
    true,
  )
} catch {
  // A broken stream ends with what came before.
}
flush()
parentPort?.postMessage(null)
