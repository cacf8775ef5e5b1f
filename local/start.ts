// npm start: the whole gate on this machine, until a signal ends it.
import { bundleWorker } from './bundle.ts'
import { launch } from './launch.ts'
import { startWorker } from './worker.ts'

process.exit(await launch(async options => startWorker({ ...options, code: await bundleWorker() })))
