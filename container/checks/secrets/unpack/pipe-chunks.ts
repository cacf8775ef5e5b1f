import type { Transform } from 'node:stream'

/**
 * Yields the output of a zlib stream for the input chunks. A chunk is written only when all output of the chunk before
 * has been consumed, so an error costs only the output of the chunk that causes it.
 */
export async function* pipeChunks(
  stream: Transform,
  inputChunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let streamError: Error | undefined
  let hasEnded = false
  let wake = () => {}
  stream.on('readable', () => wake())
  stream.on('end', () => {
    hasEnded = true
    wake()
  })
  stream.on('error', error => {
    streamError = error
    wake()
  })
  try {
    for await (const inputChunk of inputChunks) {
      let isWritten = false
      stream.write(inputChunk, () => {
        isWritten = true
        wake()
      })
      for (;;) {
        for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) yield chunk
        if (streamError) throw streamError
        if (hasEnded) return
        if (isWritten && stream.readableLength === 0) break
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
  } finally {
    stream.destroy()
  }
}
