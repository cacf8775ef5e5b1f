import { parentPort, workerData } from 'node:worker_threads'
import { GateFault } from '../check.ts'
import { OverLimit } from '../limits.ts'
import { type Search, search } from './search.ts'
import type { Failure, Said } from './thread.ts'

const { job, group } = workerData as { job: Search; group: Int32Array }
const say = (said: Said) => parentPort?.postMessage(said)

const stop = new AbortController()
parentPort?.once('message', () => stop.abort(new Error('the scan was stopped')))

function failure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof OverLimit) return { kind: 'limit', message, remedy: error.remedy }
  return { kind: error instanceof GateFault ? 'fault' : 'error', message, remedy: '' }
}

// On their way here, buffers have become plain arrays of bytes.
const tags = job.introduced.tags.map(tag => ({ ...tag, content: Buffer.from(tag.content) }))

try {
  const found = await search(
    { ...job, introduced: { ...job.introduced, tags } },
    {
      signal: stop.signal,
      doing: what => say({ doing: what }),
      running: pid => Atomics.store(group, 0, pid),
    },
  )
  say({ found })
} catch (error) {
  say({ failed: failure(error) })
}
