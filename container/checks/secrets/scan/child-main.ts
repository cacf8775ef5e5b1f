import { stayInGroup } from '../../../process/spawn.ts'
import { GateFault } from '../../check.ts'
import { OverLimit } from '../../limits.ts'
import type { Asked, Failure, Said } from './child-client.ts'
import { type Search, search } from './scan-job.ts'

stayInGroup()

const stop = new AbortController()
// Its companion has gone, and with it whoever wants to know.
process.once('disconnect', () => stop.abort(new Error('the companion has ended')))
process.on('message', (asked: Asked) => {
  if (asked === 'stop') stop.abort(new Error('the scan was stopped'))
  else answer(asked.job)
})

const say = (said: Said) => process.connected && process.send?.(said)

async function answer(job: Search): Promise<void> {
  let said: Said
  try {
    const found = await search(job, {
      signal: stop.signal,
      doing: what => say({ doing: what }),
      given: (bytes, started) => say({ given: bytes, started }),
    })
    said = { found }
  } catch (error) {
    said = { failed: failure(error) }
  }
  // A long answer is written in parts, and what is not written yet when the channel closes is lost.
  if (process.connected)
    process.send?.(said, undefined, undefined, () => {
      if (process.connected) process.disconnect()
    })
}

function failure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof OverLimit) return { kind: 'limit', message, remedy: error.remedy }
  return { kind: error instanceof GateFault ? 'fault' : 'error', message, remedy: '' }
}
