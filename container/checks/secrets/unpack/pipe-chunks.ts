import type { Transform } from 'node:stream'

/**
 * What one of zlib's streams makes of the pieces. Each is handed over when all that came of the one before has been
 * taken: so the piece that breaks the stream takes no other's output with it.
 */
export async function* through(stream: Transform, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let failed: Error | undefined
  let hasEnded = false
  let wake = () => {}
  stream.on('readable', () => wake())
  stream.on('end', () => {
    hasEnded = true
    wake()
  })
  stream.on('error', error => {
    failed = error
    wake()
  })
  try {
    for await (const piece of pieces) {
      let isTaken = false
      stream.write(piece, () => {
        isTaken = true
        wake()
      })
      for (;;) {
        for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) yield chunk
        if (failed) throw failed
        if (hasEnded) return
        if (isTaken && stream.readableLength === 0) break
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
  } finally {
    stream.destroy()
  }
}
