import { createReadStream } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { PushClient } from '../client/push-client.ts'
import { isDelete } from '../git/command-list.ts'
import { emptyPack } from '../git/objects/empty-pack.ts'
import { formatOf } from '../git/objects/object-format.ts'
import { FLUSH, pktLine } from '../git/pkt-line.ts'
import type { HeldPush } from '../held/held-pushes.ts'

const CAPABILITIES = 'report-status side-band-64k delete-refs ofs-delta atomic push-options'

/** Returns the client that sends a held push again, as its agent sent it. Nothing reads the response to it. */
export function approvedClient(held: HeldPush, response: ServerResponse): PushClient {
  const chunks = requestOf(held)
  const read = async () => {
    const next = await chunks.next()
    return next.done ? undefined : next.value
  }
  return {
    body: {
      read,
      async drain() {
        await chunks.return?.(undefined)
      },
    },
    protocol: undefined,
    // An approved push goes on without the request of the Worker that began it.
    disconnected: new AbortController().signal,
    enterPhase() {},
    write() {},
    async end() {
      response.end()
    },
    disconnect: () => response.destroy(),
  }
}

/** Yields the body of a receive-pack request (gitprotocol-pack(5), "Pushing Data To a Server"). */
async function* requestOf({ commands, pushOptions, pack }: HeldPush): AsyncGenerator<Buffer, void> {
  const format = formatOf(commands[0]?.new ?? '')
  const lines = commands.map(({ old, new: id, ref }, i) =>
    pktLine(`${old} ${id} ${ref}${i === 0 ? `\0${CAPABILITIES} object-format=${format}` : ''}`),
  )
  yield Buffer.concat([...lines, FLUSH, ...pushOptions.map(option => pktLine(option)), FLUSH])
  if (pack !== undefined) yield* createReadStream(pack)
  else if (!commands.every(isDelete)) yield emptyPack(format)
}
