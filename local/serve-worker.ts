// Runs the Worker alone in workerd, for a companion that runs elsewhere, as in compose.yaml. PORT, GATE_HOST
// and GATE_HOME are this script's settings; every other GATE_… setting is the Worker's.
import './process/private-files.ts'
import path from 'node:path'
import { readSettings } from '../src/common/settings.ts'
import { stop } from './process/stop-signal.ts'
import { restrictFolder } from './restrict-folder.ts'
import { gateSettings, readLocalSettings } from './settings.ts'
import { unknownSetting } from './unknown-setting.ts'
import { bundleWorker } from './worker/bundle.ts'
import { startWorker } from './worker/workerd.ts'

const read = readLocalSettings(process.env)
if (!read.ok) {
  console.error(`gate: ${read.problem}`)
  process.exit(2)
}
const { port, home } = read.settings
const { GATE_HOST: host = '127.0.0.1', ...bindings } = gateSettings(process.env)
const forWorker = readSettings(bindings)
const problem =
  unknownSetting(bindings) ??
  (!forWorker.ok
    ? forWorker.problem
    : forWorker.settings.GATE_COMPANION_URL === undefined &&
      'GATE_COMPANION_URL is not set; set it to the URL of the companion')
if (problem) {
  console.error(`gate: ${problem}`)
  process.exit(2)
}
try {
  restrictFolder(home, line => console.error(line))
} catch (error) {
  console.error(`gate: GATE_HOME ${home} cannot be used: ${error instanceof Error ? error.message : error}`)
  process.exit(1)
}
const worker = await startWorker({
  code: await bundleWorker(),
  host,
  port,
  state: path.join(home, 'state'),
  bindings,
  log: line => console.error(line),
})
console.log(`gate: ready ${worker.url}`)
if (!stop.aborted) await new Promise(resolve => stop.addEventListener('abort', resolve, { once: true }))
await worker[Symbol.asyncDispose]()
process.exit(0)
