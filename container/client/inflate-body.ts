import type { IncomingMessage } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { WatchedBody } from './request-body.ts'

/** A client's bytes are not what their header says, or too many. The message is for the client. */
export class UnreadableBody extends Error {}

const GZIP = new Set<string | undefined>(['gzip', 'x-gzip'])

/** A request's content: git packs its fetches with gzip, JGit its pushes too (Content-Encoding in RFC 9110, 8.4.1). */
export const contentOf = ({ headers }: IncomingMessage, body: WatchedBody): WatchedBody =>
  GZIP.has(headers['content-encoding']) ? inflated(body) : body

/** A request may unpack to so many bytes for each of its own: what git names and packs has no more in common. */
const MOST_RATIO = 100
/** A list of many refs at one commit packs better than that. Up to so many bytes any ratio is taken. */
const ANY_RATIO_BYTES = 8 << 20

/** What is unpacked at once, in bytes. */
const CHUNK_BYTES = 64 << 10

/**
 * The content of a gzip body, unpacked at the reader's pace. Its timeouts are those of the body below, which count the
 * bytes as they arrive. The last bytes are given only when the stream has ended as it should: whoever waits for the
 * end of a pack never acts on one that is cut short or followed by something else.
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
  // What goes wrong below, a client that has gone for example, is thrown where the content is read.
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

/** Each part when the next one, or the end, is there. */
async function* checked(
  gunzip: AsyncIterable<Buffer>,
  read: () => number,
): AsyncGenerator<Buffer, undefined> {
  let held: Buffer | undefined
  let bytes = 0
  try {
    for await (const chunk of gunzip) {
      bytes += chunk.length
      if (bytes > ANY_RATIO_BYTES && bytes > MOST_RATIO * read())
        throw new UnreadableBody(`the request unpacks to more than ${MOST_RATIO} times its size`)
      if (held) yield held
      held = chunk
    }
  } catch (error) {
    throw error instanceof Error && 'code' in error && `${error.code}`.startsWith('Z_')
      ? new UnreadableBody(`the request is no whole gzip stream: ${error.message}`)
      : error
  }
  if (held) yield held
  return undefined
}
