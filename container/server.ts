import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { PASS_HEADER, type Pass, type PassFor, PROTOCOL, ROUTES, readPass } from '../src/contract/pass.ts'
import { checkLink } from './check-link.ts'
import type { Check } from './checks/index.ts'
import { addIdentity, IdentityError } from './identities.ts'
import type { Journal } from './journal.ts'
import type { Mirrors } from './mirror.ts'
import { receivePack, refusePush } from './receive-pack.ts'
import type { Sessions } from './session.ts'
import type { Settings } from './settings.ts'
import { advertise, refuseFetch, uploadPack } from './upload-pack.ts'
import { type Link, UpstreamError } from './upstream.ts'

/** Everything the companion's requests work with. */
export interface Companion {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly mirrors: Mirrors
  readonly links: { to(upstream: Extract<Pass, { repository: unknown }>['repository']): Promise<Link> }
  readonly journal: Journal
  readonly checks: readonly Check[]
  readonly identities: string
  /** Resolves when what an earlier life left open is settled. */
  readonly recovered: Promise<void>
}

/** Half a request header is let go after this, in milliseconds. */
const HEADERS_MS = 15_000

/** The companion's whole surface: `/health`, and one request for each pass. */
export function serve(companion: Companion): Server {
  const used = usedPasses()
  const server = createServer({
    maxHeaderSize: 512 << 10,
    headersTimeout: HEADERS_MS,
    requestTimeout: 0,
    // Longer than workerd keeps a connection that it does not use: a request must not meet its end.
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 1_000,
  })
  server.on('request', (request, response) => {
    answer(companion, used, request, response).catch((error: unknown) => {
      console.error(
        JSON.stringify({
          level: 'error',
          path: request.url,
          message: error instanceof Error ? error.stack : String(error),
        }),
      )
      if (response.headersSent) response.destroy()
      else text(response, 500, 'the gate failed on this request; try again')
    })
  })
  // git waits for 100-continue only when told to; the body is wanted either way.
  server.on('checkContinue', (request, response) => {
    response.writeContinue()
    server.emit('request', request, response)
  })
  return server
}

function text(response: ServerResponse, status: number, line: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' })
  response.end(`git-gate: ${line}\n`)
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** A pass is good for one request: its id is remembered until it would have expired anyway. */
function usedPasses(): (pass: Pass) => boolean {
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

async function answer(
  companion: Companion,
  unused: (pass: Pass) => boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { sessions, settings, recovered, journal } = companion
  if (request.url === '/health' && request.method === 'GET')
    return json(response, 200, { ok: true, protocol: PROTOCOL, sessions: [...sessions.all] })
  const header = request.headers[PASS_HEADER]
  const read = await readPass(typeof header === 'string' ? header : '', settings.passKey, Date.now() / 1000)
  if (!read.ok) return text(response, 403, `this is the companion of a gate, not the gate: ${read.why}`)
  const { pass } = read
  const route = ROUTES[pass.service]
  if (request.method !== route.method || request.url !== route.path)
    return text(response, 403, 'the pass is for something else')
  if (!unused(pass)) return text(response, 403, 'the pass has been used')
  await recovered
  switch (pass.service) {
    case 'push-report': {
      await sessions.ended(pass.push, pass.wait * 1000)
      const entry = await journal.read(pass.push)
      return entry ? json(response, 200, entry.report) : text(response, 404, 'no such push')
    }
    case 'identity':
      return identity(companion, pass, request, response)
    case 'check-link': {
      const { repository } = pass
      const mirror = companion.mirrors.of(repository)
      return json(response, 200, {
        steps: await checkLink(repository, mirror, () => companion.links.to(repository), settings),
      })
    }
    default:
      return git(companion, pass, request, response)
  }
}

type GitPass = PassFor<
  'advertise-upload-pack' | 'advertise-receive-pack' | 'git-upload-pack' | 'git-receive-pack'
>

/** A git session: let in within the limits, its mirror brought up to date, then its service. */
async function git(
  companion: Companion,
  pass: GitPass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { settings, sessions, mirrors, links, journal, checks } = companion
  const mirror = mirrors.of(pass.repository)
  const linkTo = () => links.to(pass.repository)
  const begun = sessions.begin({ id: pass.id, agent: pass.agent, service: pass.service })
  if (!begun.ok) {
    if (pass.service !== 'git-receive-pack') return busy(pass, response, begun.why)
    return refusePush(request, response, { pass, journal, settings }, begun.why)
  }
  const { session, end } = begun
  try {
    if (pass.service === 'advertise-upload-pack' || pass.service === 'advertise-receive-pack') {
      await mirror.refresh(pass.repository, goneSignal(response))
      return await advertise(pass, request, response, mirror, settings)
    }
    // The mirror is a cache: one that was deleted since the advertisement is made again.
    if (!(await mirror.present())) await mirror.refresh(pass.repository, goneSignal(response))
    if (pass.service === 'git-upload-pack') return await uploadPack(pass, request, response, mirror, settings)
    return await receivePack(request, response, { pass, session, mirror, linkTo, checks, journal, settings })
  } catch (error) {
    if (response.destroyed) return
    if (!(error instanceof UpstreamError)) throw error
    if (pass.service === 'advertise-upload-pack' || pass.service === 'advertise-receive-pack')
      return text(response, 502, error.message)
    if (pass.service === 'git-upload-pack') return refuseFetch(response, error.message)
    throw error
  } finally {
    end()
  }
}

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => gone.abort(new Error('the client went away')))
  return gone.signal
}

/** Too many at once, told in the form each fetch's client prints. */
function busy(pass: GitPass, response: ServerResponse, why: string): void {
  response.setHeader('retry-after', '5')
  if (pass.service === 'git-upload-pack') return refuseFetch(response, why)
  text(response, 503, why)
}

async function identity(
  companion: Companion,
  pass: PassFor<'identity'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let key = ''
  for await (const chunk of request) {
    key += String(chunk)
    if (key.length > 64_000) return json(response, 413, { error: 'that is too long for a private key' })
  }
  try {
    json(response, 200, { publicKey: await addIdentity(companion.identities, pass.identity, key) })
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error
    json(response, 409, { error: error.message })
  }
}
