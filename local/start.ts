// npm start: runs the whole gate on this machine until a signal stops it.
import './process/private-files.ts'
import { stop } from './process/stop-signal.ts'

// Imported here, so that a signal stops the start while workerd's launcher is loading.
const { launch } = await import('./launch.ts')
const { startWorker } = await import('./worker/workerd.ts')
const { bundleWorker } = await import('./worker/bundle.ts')

process.exit(await launch(async options => startWorker({ ...options, code: await bundleWorker() }), stop))
