import { withTimeout } from './with-timeout.ts'

/** The idle timeout: draining ends after this many milliseconds without a byte. */
const IDLE_MS = 15_000

/** The lowest average rate after IDLE_MS, in bytes per millisecond. */
const MIN_RATE = 1

/** The limit on draining one body at any rate, in milliseconds. */
const LONGEST_MS = 600_000

/**
 * Reads and discards a request body. Stops early when the client disconnects, idles or sends too slowly, or
 * after `maxBytes`. Never throws.
 */
export async function drain(
  body: ReadableStream<Uint8Array> | null,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<void> {
  const reader = body?.getReader()
  const startedAt = Date.now()
  let bytes = 0
  for (let more = reader !== undefined; reader && more; ) {
    const endsAt = startedAt + Math.min(LONGEST_MS, IDLE_MS + bytes / MIN_RATE)
    const read = await withTimeout(
      Math.min(IDLE_MS, endsAt - Date.now()),
      reader.read().catch(() => undefined),
      undefined,
    )
    bytes += read?.value?.length ?? 0
    more = read?.done === false && bytes <= maxBytes
    if (!read || bytes > maxBytes) await reader.cancel().catch(() => {})
  }
}
