// npm start: runs the whole gate on this machine until a signal stops it.
import './process/private-files.ts'
import { enableCompileCache } from 'node:module'
import type { RunWorker } from './gate.ts'
import { COMPILE_CACHE } from './process/compile-cache.ts'
import { stop } from './process/stop-signal.ts'

enableCompileCache(COMPILE_CACHE)
// Imported here, so that a signal stops the start while workerd's launcher is loading.
const { launch } = await import('./launch.ts')

process.exit(await launch(loadWorker, stop))

/** Loads workerd's launcher and bundles the Worker. */
async function loadWorker(): Promise<RunWorker> {
  const { bundleWorker } = await import('./worker/bundle.ts')
  const bundled = bundleWorker()
  bundled.catch(() => {})
  const { startWorker } = await import('./worker/workerd.ts')
  return async options => startWorker({ ...options, code: await bundled })
}
