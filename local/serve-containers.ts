// Runs the Worker as at Cloudflare on this machine, with a container for each repository (docs/deploy.md).
// PORT and GATE_HOME are this script's settings; every other GATE_… setting is the Worker's.
import './process/private-files.ts'
import path from 'node:path'
import { readSettings } from '../src/common/settings.ts'
import { stop } from './process/stop-signal.ts'
import { restrictFolder } from './restrict-folder.ts'
import { gateSettings, readLocalSettings } from './settings.ts'
import { startWranglerDev } from './worker/wrangler-dev.ts'

const log = (line: string) => console.error(line)
function refuse(problem: string): never {
  log(`gate: ${problem}`)
  process.exit(2)
}
const read = readLocalSettings(process.env)
if (!read.ok) refuse(read.problem)
const bindings = gateSettings(process.env)
const forWorker = readSettings(bindings)
if (!forWorker.ok) refuse(forWorker.problem)
const { port, home } = read.settings
restrictFolder(home, log)
const worker = await startWranglerDev({
  port,
  state: path.join(home, 'state'),
  bindings,
  containers: {},
  log,
})
console.log(`gate: ready ${worker.url}`)
if (!stop.aborted) await new Promise(resolve => stop.addEventListener('abort', resolve, { once: true }))
await worker[Symbol.asyncDispose]()
process.exit(0)
