import { within } from './with-timeout.ts'

/** A client that sends nothing for this long is not waited for, in milliseconds. */
const IDLE_MS = 15_000

/** Beyond IDLE_MS, a body that is dropped comes at this rate at least, in bytes per millisecond. */
const LEAST_RATE = 1

/** Whatever its rate, a body is dropped for no longer than this, in milliseconds. */
const LONGEST_MS = 600_000

/**
 * Reads a request's body to its end and drops it. A client that breaks off, stalls or trickles ends it too, and so do
 * `most` bytes.
 */
export async function drain(
  body: ReadableStream<Uint8Array> | null,
  most = Number.POSITIVE_INFINITY,
): Promise<void> {
  const reader = body?.getReader()
  const startedAt = Date.now()
  let bytes = 0
  for (let more = reader !== undefined; reader && more; ) {
    const endsAt = startedAt + Math.min(LONGEST_MS, IDLE_MS + bytes / LEAST_RATE)
    const read = await within(
      Math.min(IDLE_MS, endsAt - Date.now()),
      reader.read().catch(() => undefined),
      undefined,
    )
    bytes += read?.value?.length ?? 0
    more = read?.done === false && bytes <= most
    if (!read || bytes > most) await reader.cancel().catch(() => {})
  }
}
