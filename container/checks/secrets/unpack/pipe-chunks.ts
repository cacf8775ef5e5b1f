import type { Transform } from 'node:stream'

/**
 * What one of zlib's streams makes of the pieces. Each is handed over when all that came of the one before has been
 * taken: so the piece that breaks the stream takes no other's output with it.
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
