import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { PASS_HEADER, type Pass, PROTOCOL, ROUTES, readPass } from '../../src/contract/companion-api/pass.ts'
import { KEEPALIVE_PROBE_MS, REQUEST_HEAD_MS } from '../client/idle-deadline.ts'
import { json, text } from '../client/respond.ts'
import type { Companion } from '../companion.ts'
import { serveFetch } from '../fetch/serve-fetch.ts'
import { serveLfs } from '../lfs/index.ts'
import { checkConnection } from '../mirror/check-connection.ts'
import { logError } from '../process/log.ts'
import { deleteSecret } from '../upstream/secret-files.ts'
import { checkConfig } from './check-config.ts'
import { servePush } from './framed-push.ts'
import { receiveHeld, sendHeld } from './held-archives.ts'
import { changeDeployKey, createIdentity, storeCredential } from './identities.ts'
import { deliverMail } from './mail.ts'
import { receiveSeed, sendBundle } from './mirror-seeds.ts'
import { getPushReport, recoverOutcome, sendPushDiff } from './push-reports.ts'
import { statusOf } from './status.ts'
import { limitUnproven, MAX_UNPROVEN } from './unproven-connections.ts'

/**
 * Longer than a Worker keeps an idle connection (5 s), so the companion never closes a connection that is
 * about to carry a request.
 */
const KEEP_ALIVE_MS = 65_000

/** Timeout for the rest of a request whose response has been sent, in milliseconds. */
const UNREAD_BODY_MS = 2_000

/** Connections per session: besides the session itself, the Worker asks for reports of it. */
const CONNECTIONS_PER_SESSION = 4

/** Serves `/health`, which needs no pass, and one route for each service of a pass. */
export function serve(companion: Companion): Server {
  const isFirstUse = createReplayGuard()
  const server = createServer({
    maxHeaderSize: 1 << 20,
    headersTimeout: REQUEST_HEAD_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A push's body has timeouts of its own.
    requestTimeout: 0,
    connectionsCheckingInterval: 1_000,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_PROBE_MS,
  })
  server.maxConnections = MAX_UNPROVEN + CONNECTIONS_PER_SESSION * companion.settings.maxSessions
  const unproven = limitUnproven()
  server.on('connection', unproven.add)
  server.on('request', (request, response) => {
    response.once('finish', () => endUnread(request))
    if (request.url === '/health' && request.method === 'GET')
      return json(response, 200, { ok: true, protocol: PROTOCOL })
    authorize(companion, isFirstUse, request, response)
      .then(async pass => {
        if (!pass) return
        unproven.prove(request.socket)
        await route(companion, pass, request, response).catch(fail(response, idOf(pass)))
      })
      .catch(fail(response, ''))
  })
  // Every body is wanted, so the interim response is sent at once.
  server.on('checkContinue', (request, response) => {
    response.writeContinue()
    server.emit('request', request, response)
  })
  return server
}

/**
 * Closes the connection if the rest of an answered request does not arrive in time: Node itself reads it
 * without a limit.
 */
function endUnread(request: IncomingMessage): void {
  if (request.complete) return
  const late = setTimeout(() => request.socket.destroy(), UNREAD_BODY_MS)
  for (const name of ['end', 'close'] as const) request.once(name, () => clearTimeout(late))
}

/** Returns the id of the push that a request names, or else the request's own id. */
const idOf = (pass: Pass) => ('push' in pass ? pass.push : pass.id)

const fail = (response: ServerResponse, id: string) => (error: unknown) => {
  logError(id, error)
  if (response.headersSent) response.destroy()
  else text(response, 500, 'the gate failed on this request; try again')
}

/** Returns a function that tells whether a pass is used for the first time. Ids are remembered until passes expire. */
function createReplayGuard(): (pass: Pass) => boolean {
  const seen = new Map<string, number>()
  return pass => {
    const now = Date.now() / 1000
    for (const [key, exp] of seen) {
      if (exp >= now) break
      seen.delete(key)
    }
    const key = `${pass.service} ${pass.id}`
    if (seen.has(key)) return false
    seen.set(key, pass.exp)
    return true
  }
}

/** Returns the pass of a valid request. Responds to any other request, and returns undefined. */
async function authorize(
  { settings }: Companion,
  isFirstUse: (pass: Pass) => boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Pass | undefined> {
  const refuse = (reason: string) => void text(response, 403, reason)
  const header = request.headers[PASS_HEADER]
  const read = await readPass(typeof header === 'string' ? header : '', settings.passKey, Date.now() / 1000)
  if (!read.ok) return refuse(`this is the companion of a gate, not the gate: ${read.reason}`)
  const { pass } = read
  const route = ROUTES[pass.service]
  if (request.method !== route.method || request.url !== route.path)
    return refuse('the pass is for something else')
  return isFirstUse(pass) ? pass : refuse('the pass has been used')
}

async function route(
  companion: Companion,
  pass: Pass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { settings, recovered } = companion
  if (pass.service === 'git-receive-pack') return servePush(companion, pass, request, response)
  await recovered
  switch (pass.service) {
    case 'push-report': {
      const report = await getPushReport(companion, pass)
      return report ? json(response, 200, report) : text(response, 404, 'no such push')
    }
    case 'permit-push':
      return companion.permissions.settle(pass.push, pass.permission)
        ? void response.writeHead(204).end()
        : text(response, 409, 'this push does not wait for a permission')
    case 'release-held-push':
      await companion.held.stopWaiting(pass.push)
      return void response.writeHead(204).end()
    case 'held-push':
      return sendHeld(companion, pass, response)
    case 'restore-held-push':
      return receiveHeld(companion, pass, request, response)
    case 'recover-outcome':
      return recoverOutcome(companion, pass, request, response)
    case 'store-identity':
      return createIdentity(companion, pass, request, response)
    case 'delete-identity': {
      const removed = await deleteSecret(companion.identities, pass.identity)
      companion.links.closeIdentity(pass.identity)
      return json(response, 200, { removed })
    }
    case 'add-deploy-key':
    case 'remove-deploy-key':
      return changeDeployKey(companion, pass, response)
    case 'store-credential':
      return storeCredential(companion, pass, request, response)
    case 'delete-credential':
      return json(response, 200, { removed: await companion.credentials.forget(pass.credential) })
    case 'send-mail':
      return deliverMail(companion, pass, request, response)
    case 'check-config':
      return checkConfig(companion, request, response)
    case 'check-connection': {
      const { repository } = pass
      const mirror = companion.mirrors.get(repository)
      return json(response, 200, {
        steps: await checkConnection(repository, mirror, () => companion.links.to(repository), settings),
      })
    }
    case 'status':
      return json(response, 200, await statusOf(companion, pass))
    case 'push-diff':
      return sendPushDiff(companion, pass, response)
    case 'bundle':
      return sendBundle(companion, pass, response)
    case 'mirror-seed':
      return receiveSeed(companion, pass, request, response)
    case 'lfs-batch':
    case 'lfs-download':
    case 'lfs-upload':
    case 'lfs-verify':
    case 'lfs-locks':
      return serveLfs(companion.lfs, pass, request, response)
    case 'host-call': {
      // Loaded with the first call: each start of the companion would pay for GitHub's schema.
      const { serveHostCall } = await import('../host-calls/serve-host-call.ts')
      return serveHostCall(companion, pass, request, response)
    }
    case 'advertise-upload-pack':
    case 'advertise-receive-pack':
    case 'git-upload-pack':
      return serveFetch(companion, pass, request, response)
  }
}
