import { within } from './within.ts'

/** A client that sends nothing for this long is not waited for, in milliseconds. */
const IDLE_MS = 15_000

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
