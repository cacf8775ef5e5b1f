import { Hono } from 'hono'
import { asset } from './assets.ts'
import type { ConsoleEnv } from './auth/env.ts'
import { fromHere, onOwnHost, protect, signedIn, withoutSlash } from './auth/middleware.ts'
import { decide, revokeException, takeBack } from './forms/decide-finding.ts'
import { streamPush, streamPushes } from './live.tsx'
import { giveGrant, mintToken, revokeToken, showAgent, takeGrant } from './pages/agent.tsx'
import { addAgent, showAgents } from './pages/agents.tsx'
import { changeGrant, showGrant } from './pages/grant.tsx'
import { failed, notThere } from './pages/layout.tsx'
import { showOverview } from './pages/overview.tsx'
import { showWaiting } from './pages/pending-findings.tsx'
import { showPush } from './pages/push.tsx'
import { showIntroduced } from './pages/push-diff.tsx'
import { showPushes } from './pages/pushes.tsx'
import { addRepository, showRepositories } from './pages/repositories.tsx'
import { changeRepository, checkRepository, showRepository } from './pages/repository.tsx'
import { askForToken, leave, takeToken } from './pages/sign-in.tsx'
import { pathOf } from './paths.ts'

/** The console's pages, mounted at /-/console: for people, in a browser. */
export const consolePages = new Hono<ConsoleEnv>()
  .onError(failed)
  .use(protect)
  .get('/assets/:name', asset)
  .use(onOwnHost)
  .use(fromHere)
  .get('/sign-in', askForToken)
  .post('/sign-in', takeToken)
  .use(signedIn)
  .post('/sign-out', leave)
  .get('/', c => c.redirect(pathOf.pushes, 302))
  .get('/pushes', showPushes)
  .get('/pushes/live', streamPushes)
  .get('/pushes/:id', showPush)
  .get('/pushes/:id/live', streamPush)
  .get('/pushes/:id/introduced', showIntroduced)
  .get('/waiting', showWaiting)
  .post('/waiting/decide', decide)
  .post('/waiting/revoke', revokeException)
  .post('/waiting/take-back', takeBack)
  .get('/repositories', showRepositories)
  .post('/repositories', addRepository)
  .get('/repositories/:name', showRepository)
  .post('/repositories/:name', changeRepository)
  .post('/repositories/:name/check', checkRepository)
  .get('/agents', showAgents)
  .post('/agents', addAgent)
  .get('/agents/:name', showAgent)
  .post('/agents/:name/tokens', mintToken)
  .post('/agents/:name/revoke', revokeToken)
  .post('/agents/:name/grants', giveGrant)
  .post('/agents/:name/take-grant', takeGrant)
  .get('/agents/:name/grants/:repository', showGrant)
  .post('/agents/:name/grants/:repository', changeGrant)
  .get('/overview', showOverview)
  // Where forms are sent to, for who opens the address of what they were answered.
  .get('/sign-out', c => c.redirect(pathOf.pushes))
  .get('/waiting/:form{decide|revoke|take-back}', c => c.redirect(pathOf.waiting))
  .get('/repositories/:name/check', c => c.redirect(pathOf.repository(c.req.param('name'))))
  .get('/agents/:name/:form{tokens|revoke|grants|take-grant}', c =>
    c.redirect(pathOf.agent(c.req.param('name'))),
  )
  .get('/*', withoutSlash)
  .all('*', c => notThere(c, 'such page', pathOf.pushes, undefined))
