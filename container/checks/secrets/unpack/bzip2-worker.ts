import { parentPort, workerData } from 'node:worker_threads'
import Bunzip from 'seek-bzip'
import type { Said } from './bzip2.ts'

const { given, input, credits } = workerData as {
  given: Int32Array
  input: Uint8Array
  credits: Int32Array
}
const say = (said: Said) => parentPort?.postMessage(said)
const chunk = Buffer.alloc(256 << 10)
let length = 0

/** Hands over what is unpacked, and sleeps while the other side has not taken what it got. */
function flush(): void {
  if (length === 0) return
  while (Atomics.load(credits, 0) <= 0) Atomics.wait(credits, 0, 0)
  Atomics.sub(credits, 0, 1)
  say(Uint8Array.prototype.slice.call(chunk, 0, length))
  length = 0
}

const NOT_YET = -1
let at = 0
let end = 0
let isOver = false

/** Is there input left? Asks for more, and sleeps until it is there, where there is none. */
function hasInput(): boolean {
  if (at < end) return true
  if (isOver) return false
  Atomics.store(given, 0, NOT_YET)
  say('more')
  Atomics.wait(given, 0, NOT_YET)
  at = 0
  end = Atomics.load(given, 0)
  isOver = end === 0
  return !isOver
}

const readByte = () => (hasInput() ? (input[at++] ?? -1) : -1)

/** The library's word for a block of bzip2 before 0.9.5. */
const OBSOLETE_INPUT = -7

let last: Said = 'end'
try {
  Bunzip.decode(
    {
      readByte,
      read(buffer, offset, count) {
        let got = 0
        while (got < count && hasInput()) buffer[offset + got++] = readByte()
        return got || -1
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
  // A broken stream ends with what came before.
  if (error instanceof Error && 'errorCode' in error && error.errorCode === OBSOLETE_INPUT)
    last = 'randomised'
}
flush()
say(last)
