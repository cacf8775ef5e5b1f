// Runs the Worker as at Cloudflare on this machine, with a container for each repository (docs/deploy.md).
// PORT and GATE_HOME are this script's settings; every other GATE_… setting is the Worker's.
import './process/private-files.ts'
import path from 'node:path'
import { untilAborted } from '../container/process/with-abort.ts'
import { stop } from './process/stop-signal.ts'
import { readServeSettings } from './worker/serve-settings.ts'
import { startWranglerDev } from './worker/wrangler-dev.ts'

const log = (line: string) => console.error(line)
const { port, home, bindings } = readServeSettings(log)
const worker = await startWranglerDev({
  port,
  state: path.join(home, 'state'),
  bindings,
  containers: {},
  log,
})
console.log(`gate: ready ${worker.url}`)
await untilAborted(stop)
await worker[Symbol.asyncDispose]()
process.exit(0)
