// npm run dev: the gate of `npm start`, with `wrangler dev` for its Worker.
import { stop } from './stop.ts'

const { launch } = await import('./launch.ts')
const { startWranglerDev } = await import('./wrangler-dev.ts')

process.exit(await launch(startWranglerDev, stop))
