import { drain } from '../common/drain.ts'

/** Request body that streams to the companion. Its rest can be drained after the companion is lost. */
export interface Upload {
  readonly body: ReadableStream<Uint8Array>
  /** Resolves when the companion has read the whole body, or has stopped reading. */
  readonly consumed: Promise<void>
  drain(): Promise<void>
}

/** Wraps a body, and keeps its length if it has one. */
export function drainableBody(body: ReadableStream<Uint8Array>, length: string | null): Upload {
  const { readable, writable } =
    length === null ? new IdentityTransformStream() : new FixedLengthStream(Number(length))
  const consumed = body.pipeTo(writable, { preventCancel: true }).catch(() => {})
  return {
    body: readable,
    consumed,
    async drain() {
      // A request that failed before it read its body leaves the pipe without a reader.
      if (!readable.locked) await readable.cancel().catch(() => {})
      await consumed
      await drain(body)
    },
  }
}
