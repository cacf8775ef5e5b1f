import { Hono } from 'hono'
import { asset } from './assets.ts'
import { pageRoles } from './auth/authorize.tsx'
import type { ConsoleEnv } from './auth/env.ts'
import {
  limitForm,
  onOwnHost,
  requireOperator,
  requireSameOrigin,
  securityHeaders,
  trimTrailingSlash,
} from './auth/middleware.ts'
import { allowAll } from './forms/allow-all.ts'
import { decideFinding, revokeException, undoDecline } from './forms/decide-finding.ts'
import { decideSelected } from './forms/decide-selected.ts'
import { streamPush, streamPushes } from './live.tsx'
import { addGrant, mintToken, removeGrant, revokeToken, showAgent } from './pages/agents/agent.tsx'
import { showAgentDay } from './pages/agents/agent-day.tsx'
import { addAgent, showAgents } from './pages/agents/agents.tsx'
import { changeGrant, showGrant } from './pages/agents/grant.tsx'
import { errorPage, notFoundPage } from './pages/frame/layout.tsx'
import { showOverview } from './pages/overview.tsx'
import { showPush } from './pages/pushes/push.tsx'
import { showDiff } from './pages/pushes/push-diff.tsx'
import { showPushes } from './pages/pushes/pushes.tsx'
import { addRepository, showRepositories } from './pages/repositories.tsx'
import { changeRepository, checkRepository, showRepository } from './pages/repository.tsx'
import { decideApproval, showApproval } from './pages/review/approval.tsx'
import { showApprovals } from './pages/review/approvals.tsx'
import { showPending } from './pages/review/pending-findings.tsx'
import { mintAdminToken, revokeAdminToken, showAdminTokens } from './pages/settings/admin-tokens.tsx'
import { showAuditLog } from './pages/settings/audit-log.tsx'
import {
  addIdentity,
  removeCredential,
  removeIdentity,
  showIdentities,
} from './pages/settings/identities.tsx'
import { addOperator, changeOperator, removeOperator, showOperators } from './pages/settings/operators.tsx'
import { addWebhook, removeWebhook, showWebhooks } from './pages/settings/webhooks.tsx'
import {
  finishIssuerSignIn,
  handleSignIn,
  handleSignOut,
  showSignIn,
  startIssuerSignIn,
} from './pages/sign-in.tsx'
import { pathOf } from './paths.ts'

/** The console, mounted at /-/console. */
export const consolePages = new Hono<ConsoleEnv>()
  .onError(errorPage)
  .use(securityHeaders)
  .get('/assets/:name', asset)
  .use(onOwnHost)
  .use(requireSameOrigin)
  .use(limitForm)
  .get('/sign-in', showSignIn)
  .post('/sign-in', handleSignIn)
  .post('/sign-in/oidc', startIssuerSignIn)
  .get('/sign-in/callback', finishIssuerSignIn)
  .use(requireOperator)
  .post('/sign-out', handleSignOut)
  .get('/sign-out', c => c.redirect(pathOf.pushes))
  .route('/', pageRoles)
  .get('/', c => c.redirect(pathOf.pushes, 302))
  .get('/pushes', showPushes)
  .get('/pushes/live', streamPushes)
  .get('/pushes/:id', showPush)
  .get('/pushes/:id/live', streamPush)
  .get('/pushes/:id/diff', showDiff)
  .post('/pushes/:id/allow-all', allowAll)
  .get('/pending', showPending)
  .post('/pending/decide', decideFinding)
  .post('/pending/decide-selected', decideSelected)
  .post('/pending/revoke', revokeException)
  .post('/pending/undo-decline', undoDecline)
  .get('/approvals', showApprovals)
  .get('/approvals/:id', showApproval)
  .post('/approvals/:id', decideApproval)
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
  .post('/agents/:name/grants', addGrant)
  .post('/agents/:name/remove-grant', removeGrant)
  .get('/agents/:name/grants/:repository', showGrant)
  .post('/agents/:name/grants/:repository', changeGrant)
  .get('/agents/:name/day', showAgentDay)
  .get('/overview', showOverview)
  .get('/settings', c => c.redirect(pathOf.auditLog, 302))
  .get('/settings/audit-log', showAuditLog)
  .get('/settings/identities', showIdentities)
  .post('/settings/identities', addIdentity)
  .post('/settings/identities/remove', removeIdentity)
  .post('/settings/credentials/remove', removeCredential)
  .get('/settings/operators', showOperators)
  .post('/settings/operators', addOperator)
  .post('/settings/operators/change', changeOperator)
  .post('/settings/operators/remove', removeOperator)
  .get('/settings/admin-tokens', showAdminTokens)
  .post('/settings/admin-tokens', mintAdminToken)
  .post('/settings/admin-tokens/revoke', revokeAdminToken)
  .get('/settings/webhooks', showWebhooks)
  .post('/settings/webhooks', addWebhook)
  .post('/settings/webhooks/remove', removeWebhook)
  // A browser sends a GET to the path of a form when its response is reloaded from the address bar.
  .get('/pending/:form{decide|decide-selected|revoke|undo-decline}', c => c.redirect(pathOf.pending))
  .get('/pushes/:id/allow-all', c => c.redirect(pathOf.push(c.req.param('id'))))
  .get('/repositories/:name/check', c => c.redirect(pathOf.repository(c.req.param('name'))))
  .get('/settings/:page/:form{change|remove|revoke}', c =>
    c.redirect(
      c.req.param('page') === 'credentials' ? pathOf.identities : c.req.path.replace(/\/[^/]+$/, ''),
    ),
  )
  .get('/agents/:name/:form{tokens|revoke|grants|remove-grant}', c =>
    c.redirect(pathOf.agent(c.req.param('name'))),
  )
  .get('/*', trimTrailingSlash)
  .all('*', c => notFoundPage(c, 'such page', pathOf.pushes, undefined))
