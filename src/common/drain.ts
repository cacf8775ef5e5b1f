import { within } from './with-timeout.ts'

/** A client that sends nothing for this long is not waited for, in milliseconds. */
const IDLE_MS = 15_000

/**
 * Reads a request's body to its end and drops it. A client that breaks off or stalls ends it too, and so do `most`
 * bytes.
 */
export async function drain(
  body: ReadableStream<Uint8Array> | null,
  most = Number.POSITIVE_INFINITY,
): Promise<void> {
  const reader = body?.getReader()
  let bytes = 0
  for (let more = reader !== undefined; reader && more; ) {
    const read = await within(
      IDLE_MS,
      reader.read().catch(() => undefined),
      undefined,
    )
    bytes += read?.value?.length ?? 0
    more = read?.done === false && bytes <= most
    if (!read || bytes > most) await reader.cancel().catch(() => {})
  }
}
