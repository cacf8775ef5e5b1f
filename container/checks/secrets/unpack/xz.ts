import xz from 'xz-decompress'

/**
 * Unpacks the first xz stream. The input is cut before its index, so that a corrupt index does no harm. Later streams
 * are found by their own magic.
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
    // The library pulls a chunk when it has consumed the one before.
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

/** The length of a block's check in bytes, by the low half of the stream flags (the .xz file format, 2.1.1.2). */
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64]

/** Walks the blocks up to the index. Yields how many bytes to skip, and receives the byte after them. */
function* walkBlocks(): Generator<number, void, number> {
  const checkSize = CHECK_SIZES[(yield 7) & 15] ?? 0
  let skip = 4
  for (let size = yield skip; size !== 0; size = yield skip) {
    skip = (size + 1) * 4 - 1
    let length = 0
    // The chunks of LZMA2. Their sizes are stored minus one.
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
