import { Hono } from 'hono'
import { api } from './api/index.ts'
import {
  authenticate,
  authenticateAgent,
  authenticateHostCall,
  authenticateTransfer,
  type GitEnv,
} from './auth/agent.ts'
import { rateLimit } from './auth/rate-limit.ts'
import { textResponse } from './common/git-responses.ts'
import { lateResponse, limitBodyTime } from './common/limit-body-time.ts'
import { logError } from './common/log.ts'
import { handleCompanionCall } from './companion/handle-call.ts'
import { consolePages } from './console/index.ts'
import { CALL_PATH } from './contract/companion-api/companion-call.ts'
import { HOST_CALL_PATH } from './contract/hosts/host-call.ts'
import { drainRequest } from './drain-request.ts'
import { health, problemsOf } from './health.ts'
import { hostCall } from './host-calls/index.ts'
import { asLfsErrors, lfs } from './lfs/index.ts'
import { answerAgentQuery, handleAgentRequest } from './mcp/agent-requests.ts'
import { mcp } from './mcp/index.ts'
import { metrics } from './metrics/index.ts'
import { advertise } from './smart-http/advertise.ts'
import { allowBrowsers } from './smart-http/allow-browsers.ts'
import { gateFault } from './smart-http/gate-fault.ts'
import { fetchPack, receivePack } from './smart-http/pack-services.ts'
import { showGrant } from './smart-http/show-grant.ts'

/** Every route of the gate, in matching order. */
export const app = new Hono<GitEnv>()
  .use(drainRequest)
  .use(limitBodyTime)
  .use(rateLimit)
  .get('/', c =>
    c.text(
      'git-gate: clone THIS-URL/REPOSITORY.git, with the token of an agent as password; people look at /-/console\n',
    ),
  )
  .get('/-/health', health)
  .route('/-/metrics', metrics)
  .route('/-/api/v1', api)
  .all('/-/mcp', authenticateAgent, mcp)
  .post(CALL_PATH, handleCompanionCall)
  .all(`${HOST_CALL_PATH}*`, authenticateHostCall, hostCall)
  .route('/-/console', consolePages)
  .all('/-/*', () => textResponse(404, ['there is no such page here']))
  .use('/:name{.+}', allowBrowsers)
  .get('/:name{.+}/info/refs', authenticate, advertise)
  .post('/:name{.+}/git-upload-pack', authenticate, fetchPack)
  .post('/:name{.+}/git-receive-pack', authenticate, receivePack)
  .all('/:name{.+}/info/lfs/objects/:oid{[0-9a-f]+}', asLfsErrors, authenticateTransfer, lfs)
  .all('/:name{.+}/info/lfs/objects/:oid{[0-9a-f]+}/verify', asLfsErrors, authenticateTransfer, lfs)
  .all('/:name{.+}/info/lfs/*', asLfsErrors, authenticate, lfs)
  .get('/:name{.+}', authenticate, answerAgentQuery, showGrant)
  .post('/:name{.+}', authenticate, handleAgentRequest)
  .all('*', authenticate, () => textResponse(405, ['this path does not take this method']))
  .onError(async (error, c) => {
    const late = lateResponse(c)
    if (late) return late
    const push = c.get('push')
    logError(push === undefined ? { at: c.req.path } : { push }, error)
    return gateFault(c, await problemsOf(c.env).catch(() => []))
  })
