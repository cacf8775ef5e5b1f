// Runs the Worker alone in workerd, for a companion that runs elsewhere, as in compose.yaml. PORT, GATE_HOST
// and GATE_HOME are this script's settings; every other GATE_… setting is the Worker's.
import './process/private-files.ts'
import path from 'node:path'
import { untilAborted } from '../container/process/with-abort.ts'
import { stop } from './process/stop-signal.ts'
import { bundleWorker } from './worker/bundle.ts'
import { readServeSettings, refuse } from './worker/serve-settings.ts'
import { startWorker } from './worker/workerd.ts'

const log = (line: string) => console.error(line)
const settings = readServeSettings(log)
const { port, host, home, bindings } = settings
if (settings.worker.GATE_COMPANION_URL === undefined)
  refuse('GATE_COMPANION_URL is not set; set it to the URL of the companion')
const worker = await startWorker({
  code: await bundleWorker(),
  host,
  port,
  state: path.join(home, 'state'),
  bindings,
  log,
})
console.log(`gate: ready ${worker.url}`)
await untilAborted(stop)
await worker[Symbol.asyncDispose]()
process.exit(0)
