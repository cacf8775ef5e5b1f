import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { PASS_HEADER, type Pass, PROTOCOL, ROUTES, readPass } from '../../src/contract/companion-api/pass.ts'
import { KEEPALIVE_PROBE_MS, REQUEST_HEAD_MS } from '../client/idle-deadline.ts'
import { json, text } from '../client/respond.ts'
import type { Companion } from '../companion.ts'
import { logError } from '../process/log.ts'
import { serveService } from './services.ts'
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
        await serveService(companion, pass, request, response).catch(fail(response, idOf(pass)))
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
