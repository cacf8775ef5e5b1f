import { app } from './app.ts'
import { tend } from './scheduled.ts'

export { Companion } from './companion/index.ts'

export default {
  fetch: app.fetch,
  scheduled: (_event, env) => tend(env),
} satisfies ExportedHandler<Env>
