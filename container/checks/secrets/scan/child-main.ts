import { inheritGroup } from '../../../process/spawn.ts'
import type { ChildMessage, ChildRequest } from './child-client.ts'
import { toFailure } from './failure.ts'
import { PhaseSender } from './phase-sender.ts'
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

async function runAndReply(job: ScanJob): Promise<void> {
  using phases = new PhaseSender(phase => post({ phase }))
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
