// npm run dev: the same gate as `npm start`, with `wrangler dev` for its Worker.
import './process/private-files.ts'
import { enableCompileCache } from 'node:module'
import { COMPILE_CACHE } from './process/compile-cache.ts'
import { stop } from './process/stop-signal.ts'

enableCompileCache(COMPILE_CACHE)
const { launch } = await import('./launch.ts')
const loadWorker = async () => (await import('./worker/wrangler-dev.ts')).startWranglerDev

process.exit(await launch(loadWorker, stop))
