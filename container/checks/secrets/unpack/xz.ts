import xz from 'xz-decompress'

/**
 * What the first of a file's streams of xz holds. It is cut before its index, which says nothing about what it holds,
 * and so a damaged one does no harm; what follows is found by its own magic.
 */
export async function* unxz(chunks: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const blocks = dropIndex(chunks)
  const compressed = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await blocks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
    },
    // The library takes a piece when it has dealt with the one before.
    { highWaterMark: 0 },
  )
  yield* new xz.XzReadableStream(compressed as never) as unknown as ReadableStream<Uint8Array>
}

async function* dropIndex(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const walk = walkBlocks()
  let skip = walk.next(0).value ?? 0
  for await (const chunk of chunks) {
    let position = 0
    while (position + skip < chunk.length) {
      const next = walk.next(chunk.readUInt8(position + skip))
      position += skip + 1
      if (next.done) {
        yield chunk.subarray(0, position - 1)
        return
      }
      skip = next.value
    }
    skip -= chunk.length - position
    yield chunk
  }
}

/** How long a block's check is, in bytes, by the low half of the stream's flags (the .xz file format, 2.1.1.2). */
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64]

/** Says how many bytes to pass over, and takes the one behind them, until that one begins the index. */
function* walkBlocks(): Generator<number, void, number> {
  const checkSize = CHECK_SIZES[(yield 7) & 15] ?? 0
  let skip = 4
  for (let size = yield skip; size !== 0; size = yield skip) {
    skip = (size + 1) * 4 - 1
    let length = 0
    // Chunks of LZMA2; a size is stored as one less than it is.
    for (let control = yield skip; control !== 0; control = yield skip) {
      const isCompressed = control >= 0x80
      const high = yield isCompressed ? 2 : 0
      skip = ((high << 8) | (yield 0)) + 1 + (control >= 0xc0 ? 1 : 0)
      length += (isCompressed ? 5 : 3) + skip
    }
    const padding = 3 - (length % 4)
    skip = padding + checkSize
  }
}
