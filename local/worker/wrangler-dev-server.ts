// Runs wrangler's development server in its own process. Its settings come on stdin, since other users can
// read a command line, and children inherit an environment.
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { unstable_startWorker as startWorker } from 'wrangler'
import { z } from 'zod'
import { untilAborted } from '../../container/process/with-abort.ts'
import { stop } from '../process/stop-signal.ts'
import { projectRoot } from './bundle.ts'

const Wanted = z.object({
  port: z.number(),
  state: z.string(),
  bindings: z.record(z.string(), z.string()),
  environment: z.string().optional(),
})
export type Wanted = z.infer<typeof Wanted>

const { port, state, bindings, environment } = Wanted.parse(JSON.parse(await text(process.stdin)))
const worker = await startWorker({
  config: path.join(projectRoot, 'wrangler.toml'),
  ...(environment === undefined ? {} : { env: environment }),
  // With an empty list, wrangler reads the project's .env and .dev.vars.
  envFiles: ['/dev/null'],
  // Secret bindings: wrangler does not print their values.
  bindings: Object.fromEntries(
    Object.entries(bindings).map(([name, value]) => [name, { type: 'secret_text' as const, value }]),
  ),
  dev: {
    server: { hostname: '127.0.0.1', port },
    // The `wrangler dev` command cannot turn these two off. Both let any local user run code in the Worker:
    // the inspector, and the debug port of the registry.
    inspector: false,
    registry: undefined,
    persist: state,
    watch: true,
    remote: false,
    enableContainers: environment !== undefined,
    containerBuildId: randomUUID().slice(0, 8),
  },
})
await worker.ready
await untilAborted(stop)
await worker.dispose()
process.exit(0)
