// npm start: the whole gate on this machine, until a signal ends it.
import './process/private-files.ts'
import { stop } from './process/stop-signal.ts'

// Loaded only now, so that a signal counts while workerd's launcher is still read in.
const { launch } = await import('./launch.ts')
const { startWorker } = await import('./worker/workerd.ts')
const { bundleWorker } = await import('./worker/bundle.ts')

process.exit(await launch(async options => startWorker({ ...options, code: await bundleWorker() }), stop))
