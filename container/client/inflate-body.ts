import type { IncomingMessage } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { WatchedBody } from './request-body.ts'

/** The body contradicts its Content-Encoding, or unpacks to too many bytes. The client reads the message. */
export class UnreadableBody extends Error {}

const GZIP = new Set<string | undefined>(['gzip', 'x-gzip'])

/**
 * Returns the decoded body. Git compresses its fetches with gzip, JGit also its pushes (Content-Encoding in
 * RFC 9110, 8.4.1).
 */
export const contentOf = ({ headers }: IncomingMessage, body: WatchedBody): WatchedBody =>
  GZIP.has(headers['content-encoding']) ? inflated(body) : body

/** The limit of unpacked bytes for each compressed byte. Names and packs of git compress less. */
const MAX_RATIO = 100
/** A list of many refs at one commit exceeds MAX_RATIO. Up to this many bytes, any ratio is accepted. */
const ANY_RATIO_BYTES = 8 << 20

/** The size of an unpacked chunk, in bytes. */
const CHUNK_BYTES = 64 << 10

/**
 * Unpacks a gzip body at the reader's pace. The timeouts of the compressed body apply, which count bytes as
 * they arrive. The last bytes come only after the gzip stream ended correctly, so a reader that waits for the
 * end of a pack never acts on a truncated pack or on one with trailing data.
 */
function inflated(packed: WatchedBody): WatchedBody {
  let read = 0
  const chunks = async function* () {
    for (let chunk = await packed.read(); chunk; chunk = await packed.read()) {
      read += chunk.length
      yield chunk
    }
  }
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  // The loop over the content throws the pipeline's errors, such as ClientGone.
  pipeline(Readable.from(chunks()), gunzip, () => {})
  const contents = checked(gunzip, () => read)
  return {
    ...packed,
    async read() {
      const { value } = await contents.next()
      return value
    },
    async drain() {
      gunzip.destroy()
      await packed.drain()
    },
  }
}

/** Yields each chunk after the next chunk, or the end, has arrived. */
async function* checked(
  gunzip: AsyncIterable<Buffer>,
  read: () => number,
): AsyncGenerator<Buffer, undefined> {
  let buffered: Buffer | undefined
  let bytes = 0
  try {
    for await (const chunk of gunzip) {
      bytes += chunk.length
      if (bytes > ANY_RATIO_BYTES && bytes > MAX_RATIO * read())
        throw new UnreadableBody(`the request unpacks to more than ${MAX_RATIO} times its size`)
      if (buffered) yield buffered
      buffered = chunk
    }
  } catch (error) {
    throw error instanceof Error && 'code' in error && `${error.code}`.startsWith('Z_')
      ? new UnreadableBody(`the request is no whole gzip stream: ${error.message}`)
      : error
  }
  if (buffered) yield buffered
  return undefined
}
