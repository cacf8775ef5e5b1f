import { cors } from 'hono/cors'
import { createMiddleware } from 'hono/factory'
import type { GitEnv } from '../auth/agent.ts'
import { settingsOf } from '../common/settings.ts'

/**
 * Answers CORS preflights of pages with a git client, and lets them read the responses, for the origins that
 * the operator names. Without such origins the gate sends no CORS header.
 */
export const allowBrowsers = createMiddleware<GitEnv>(async (c, next) => {
  const { GATE_BROWSER_ORIGINS: origins = [] } = settingsOf(c.env)
  if (origins.length === 0) return next()
  return cors({
    origin: [...origins],
    allowMethods: ['GET', 'POST'],
    allowHeaders: ['authorization', 'content-type', 'git-protocol'],
    maxAge: 600,
  })(c, next)
})
