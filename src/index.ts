import { app } from './app.ts'
import { sweep } from './companion/settle.ts'

export { Companion } from './companion/index.ts'

export default {
  fetch: app.fetch,
  scheduled: (_event, env) => sweep(env),
} satisfies ExportedHandler<Env>
