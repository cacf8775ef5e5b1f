import { app } from './app.ts'
import { runScheduledTasks } from './scheduled.ts'

export { Companion } from './companion/index.ts'

export default {
  fetch: app.fetch,
  scheduled: (_event, env) => runScheduledTasks(env),
} satisfies ExportedHandler<Env>
