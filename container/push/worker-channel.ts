import type { Permission, PushEvent } from '../../src/contract/push-event.ts'

/** The Worker's end of one push: it keeps the ledger. */
export interface WorkerChannel {
  /** Tells an event, in order. Resolves when it is on its way; the end of a push: before the client can have it. */
  tell(event: PushEvent): Promise<void>
  /** Asks whether a checked push may be forwarded, by the ledger as it is now. */
  askPermission(signal: AbortSignal): Promise<Permission>
}
