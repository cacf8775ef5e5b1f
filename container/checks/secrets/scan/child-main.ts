import { inheritGroup } from '../../../process/spawn.ts'
import { GateFault } from '../../check.ts'
import { LimitExceeded } from '../../limits.ts'
import type { ChildMessage, ChildRequest, Failure } from './child-client.ts'
import { runScanJob, type ScanJob } from './scan-job.ts'

inheritGroup()

const stop = new AbortController()
// The companion has ended, so the result has no reader.
process.once('disconnect', () => stop.abort(new Error('the companion has ended')))
process.on('message', (request: ChildRequest) => {
  if (request === 'stop') stop.abort(new Error('the scan was stopped'))
  else runAndReply(request.job)
})

const post = (message: ChildMessage) => process.connected && process.send?.(message)

/** The time between two messages about phases, in milliseconds. A message for each file takes as long as its scan. */
const PHASE_MS = 100

/** Sends the latest phase, while there are new ones. */
class PhaseSender implements Disposable {
  #latest = ''
  #sent = ''
  readonly #timer = setInterval(() => this.#send(), PHASE_MS)

  readonly onPhase = (phase: string): void => {
    this.#latest = phase
  }
  #send(): void {
    if (this.#latest === this.#sent) return
    this.#sent = this.#latest
    post({ phase: this.#latest })
  }
  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}

async function runAndReply(job: ScanJob): Promise<void> {
  using phases = new PhaseSender()
  let reply: ChildMessage
  try {
    const result = await runScanJob(job, {
      signal: stop.signal,
      onPhase: phases.onPhase,
      onScanned: bytes => post({ scannedBytes: bytes }),
    })
    reply = { result }
  } catch (error) {
    reply = { failed: toFailure(error) }
  }
  // Node writes a long message in parts and drops the unwritten ones when the channel closes.
  if (process.connected)
    process.send?.(reply, undefined, undefined, () => {
      if (process.connected) process.disconnect()
    })
}

function toFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof LimitExceeded) return { kind: 'limit', message, remedy: error.remedy }
  return { kind: error instanceof GateFault ? 'fault' : 'error', message, remedy: '' }
}
