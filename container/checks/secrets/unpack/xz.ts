import xz from 'xz-decompress'

/**
 * What the first of a file's streams of xz holds. It is cut before its index, which says nothing about what it holds,
 * and so a damaged one does no harm; what follows is found by its own magic.
 */
export async function* unxz(pieces: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const blocks = onlyBlocks(pieces)
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

async function* onlyBlocks(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const walk = walkBlocks()
  let skip = walk.next(0).value ?? 0
  for await (const piece of pieces) {
    let at = 0
    while (at + skip < piece.length) {
      const next = walk.next(piece.readUInt8(at + skip))
      at += skip + 1
      if (next.done) {
        yield piece.subarray(0, at - 1)
        return
      }
      skip = next.value
    }
    skip -= piece.length - at
    yield piece
  }
}

/** How long a block's check is, in bytes, by the low half of the stream's flags (the .xz file format, 2.1.1.2). */
const CHECK = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64]

/** Says how many bytes to pass over, and takes the one behind them, until that one begins the index. */
function* walkBlocks(): Generator<number, void, number> {
  const check = CHECK[(yield 7) & 15] ?? 0
  let skip = 4
  for (let size = yield skip; size !== 0; size = yield skip) {
    skip = (size + 1) * 4 - 1
    let length = 0
    // Chunks of LZMA2; a size is stored as one less than it is.
    for (let control = yield skip; control !== 0; control = yield skip) {
      const isPacked = control >= 0x80
      const high = yield isPacked ? 2 : 0
      skip = ((high << 8) | (yield 0)) + 1 + (control >= 0xc0 ? 1 : 0)
      length += (isPacked ? 5 : 3) + skip
    }
    const padding = 3 - (length % 4)
    skip = padding + check
  }
}
