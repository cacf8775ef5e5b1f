import type { Permission, PushEvent } from '../../src/contract/companion-api/push-event.ts'

/** Connection to the Worker for one push. The Worker writes the ledger. */
export interface WorkerChannel {
  /**
   * Sends an event. Events arrive in the order of the calls. Resolves when the event has been handed to the
   * connection; for `ended`, before the client can read the outcome.
   */
  sendEvent(event: PushEvent): Promise<void>
  /** Asks whether a checked push may be forwarded, by the ledger's current state. */
  askPermission(signal: AbortSignal): Promise<Permission>
}
