import { drain } from '../common/drain.ts'

/** A body on its way to the companion, of which the rest can be read away when the companion is lost. */
export interface Upload {
  readonly body: ReadableStream<Uint8Array>
  /** Resolves when the companion has all of it, or takes no more. */
  readonly passed: Promise<void>
  drain(): Promise<void>
}

/** Passes a body on as it came, with a length or without. */
export function drainableBody(body: ReadableStream<Uint8Array>, length: string | null): Upload {
  const { readable, writable } =
    length === null ? new IdentityTransformStream() : new FixedLengthStream(Number(length))
  const passed = body.pipeTo(writable, { preventCancel: true }).catch(() => {})
  return {
    body: readable,
    passed,
    async drain() {
      await passed
      await drain(body)
    },
  }
}
