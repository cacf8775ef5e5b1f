import { parentPort, workerData } from 'node:worker_threads'
import Bunzip from 'seek-bzip'
import type { WorkerMessage } from './bzip2.ts'

const { inputLength, input, window } = workerData as {
  inputLength: Int32Array
  input: Uint8Array
  window: Int32Array
}
const post = (message: WorkerMessage) => parentPort?.postMessage(message)
const chunk = Buffer.alloc(256 << 10)
let length = 0

/** Sends the unpacked bytes, and sleeps while the window is used up. */
function flush(): void {
  if (length === 0) return
  while (Atomics.load(window, 0) <= 0) Atomics.wait(window, 0, 0)
  Atomics.sub(window, 0, 1)
  post(Uint8Array.prototype.slice.call(chunk, 0, length))
  length = 0
}

const NOT_YET = -1
let position = 0
let end = 0
let inputEnded = false

/** Returns whether there is input. Requests the next chunk and sleeps until it arrives. */
function hasInput(): boolean {
  if (position < end) return true
  if (inputEnded) return false
  Atomics.store(inputLength, 0, NOT_YET)
  post('more')
  Atomics.wait(inputLength, 0, NOT_YET)
  position = 0
  end = Atomics.load(inputLength, 0)
  inputEnded = end === 0
  return !inputEnded
}

const readByte = () => (hasInput() ? (input[position++] ?? -1) : -1)

/** seek-bzip's error code for a block that bzip2 wrote before 0.9.5. */
const OBSOLETE_INPUT = -7

let lastMessage: WorkerMessage = 'end'
try {
  Bunzip.decode(
    {
      readByte,
      read(buffer, offset, count) {
        let filled = 0
        while (filled < count && hasInput()) buffer[offset + filled++] = readByte()
        return filled || -1
      },
      eof: () => !hasInput(),
    },
    {
      writeByte(byte: number) {
        chunk[length++] = byte
        if (length === chunk.length) flush()
      },
    },
    false,
  )
} catch (error) {
  // A corrupt stream ends with the bytes before the error.
  if (error instanceof Error && 'errorCode' in error && error.errorCode === OBSOLETE_INPUT)
    lastMessage = 'randomised'
}
flush()
post(lastMessage)
