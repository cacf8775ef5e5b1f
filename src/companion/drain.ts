import { within } from './within.ts'

/** A client that sends nothing for this long is not waited for, in milliseconds. */
const IDLE_MS = 15_000

/** A body on its way to the companion, of which the rest can be read away when the companion is lost. */
export interface Upload {
  readonly body: ReadableStream<Uint8Array>
  drain(): Promise<void>
}

/** Passes a body on as it came, with a length or without. */
export function upload(body: ReadableStream<Uint8Array>, length: string | null): Upload {
  const { readable, writable } =
    length === null ? new IdentityTransformStream() : new FixedLengthStream(Number(length))
  const passed = body.pipeTo(writable, { preventCancel: true }).catch(() => {})
  return {
    body: readable,
    async drain() {
      await passed
      await drain(body)
    },
  }
}

/** Reads a request's body to its end and drops it. A client that breaks off or stalls ends it too. */
export async function drain(body: ReadableStream<Uint8Array> | null): Promise<void> {
  const reader = body?.getReader()
  for (let more = reader !== undefined; reader && more; ) {
    const read = await within(
      IDLE_MS,
      reader.read().catch(() => undefined),
      undefined,
    )
    more = read?.done === false
    if (!read) await reader.cancel().catch(() => {})
  }
}
