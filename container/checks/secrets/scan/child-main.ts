import { stayInGroup } from '../../../process/spawn.ts'
import { GateFault } from '../../check.ts'
import { LimitExceeded } from '../../limits.ts'
import type { ChildMessage, ChildRequest, Failure } from './child-client.ts'
import { runScanJob, type ScanJob } from './scan-job.ts'

stayInGroup()

const stop = new AbortController()
// Its companion has gone, and with it whoever wants to know.
process.once('disconnect', () => stop.abort(new Error('the companion has ended')))
process.on('message', (request: ChildRequest) => {
  if (request === 'stop') stop.abort(new Error('the scan was stopped'))
  else runAndReply(request.job)
})

const post = (message: ChildMessage) => process.connected && process.send?.(message)

async function runAndReply(job: ScanJob): Promise<void> {
  let message: ChildMessage
  try {
    const found = await runScanJob(job, {
      signal: stop.signal,
      onPhase: phase => post({ phase }),
      onScanned: (bytes, started) => post({ scannedBytes: bytes, startedGitleaks: started }),
    })
    message = { result: found }
  } catch (error) {
    message = { failed: toFailure(error) }
  }
  // A long answer is written in parts, and what is not written yet when the channel closes is lost.
  if (process.connected)
    process.send?.(message, undefined, undefined, () => {
      if (process.connected) process.disconnect()
    })
}

function toFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof LimitExceeded) return { kind: 'limit', message, remedy: error.remedy }
  return { kind: error instanceof GateFault ? 'fault' : 'error', message, remedy: '' }
}
