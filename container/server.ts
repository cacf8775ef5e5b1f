import { mkdir } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { type ConfigCheck, LostRefs } from '../src/contract/outcome.ts'
import { PASS_HEADER, type Pass, type PassFor, PROTOCOL, ROUTES, readPass } from '../src/contract/pass.ts'
import { checkLink } from './check-link.ts'
import { type Check, checkGitleaksConfig } from './checks/index.ts'
import { type Client, goneSignal, httpClient } from './client.ts'
import { logFault } from './fault.ts'
import { addIdentity, IdentityError } from './identities.ts'
import { introducedTo } from './introduced.ts'
import type { Entry, Journal } from './journal.ts'
import type { Mirrors } from './mirror.ts'
import { receivePack, refusePush } from './receive-pack.ts'
import { whatStands } from './recover.ts'
import type { Sessions } from './session.ts'
import type { Settings } from './settings.ts'
import { advertise, refuseFetch, uploadPack } from './upload-pack.ts'
import { type Links, UpstreamError } from './upstream.ts'

/** Everything the companion's requests work with. */
export interface Companion {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly mirrors: Mirrors
  readonly links: Links
  readonly journal: Journal
  readonly checks: readonly Check[]
  readonly identities: string
  /** Resolves when what an earlier life left open is settled. */
  readonly recovered: Promise<void>
}

/** Longer than a Worker keeps an unused connection (5 s), so that it is never closed under a request on its way. */
const KEEP_ALIVE_MS = 65_000

/** Half a request header is let go after this, in milliseconds. */
const HEADERS_MS = 15_000

/** The companion's whole surface: `/health`, and one request for each pass. */
export function serve(companion: Companion): Server {
  const used = usedPasses()
  const server = createServer({
    maxHeaderSize: 512 << 10,
    headersTimeout: HEADERS_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: 0,
    connectionsCheckingInterval: 1_000,
  })
  server.on('request', (request, response) => {
    admit(companion, used, request, response)
      .then(async pass => {
        if (pass) await answer(companion, pass, request, response).catch(fail(response, idOf(pass)))
      })
      .catch(fail(response, ''))
  })
  // git waits for 100-continue only when told to; the body is wanted either way.
  server.on('checkContinue', (request, response) => {
    response.writeContinue()
    server.emit('request', request, response)
  })
  return server
}

/** The push that a request is about, or the request's own id. */
const idOf = (pass: Pass) => ('push' in pass ? pass.push : pass.id)

const fail = (response: ServerResponse, id: string) => (error: unknown) => {
  logFault(id, error)
  if (response.headersSent) response.destroy()
  else text(response, 500, 'the gate failed on this request; try again')
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

/** The pass of a request that may go on; the others are answered. */
async function admit(
  { sessions, settings }: Companion,
  unused: (pass: Pass) => boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Pass | undefined> {
  const refuse = (why: string) => void text(response, 403, why)
  if (request.url === '/health' && request.method === 'GET')
    return void json(response, 200, { ok: true, protocol: PROTOCOL, sessions: [...sessions.all] })
  const header = request.headers[PASS_HEADER]
  const read = await readPass(typeof header === 'string' ? header : '', settings.passKey, Date.now() / 1000)
  if (!read.ok) return refuse(`this is the companion of a gate, not the gate: ${read.why}`)
  const { pass } = read
  const route = ROUTES[pass.service]
  if (request.method !== route.method || request.url !== route.path)
    return refuse('the pass is for something else')
  return unused(pass) ? pass : refuse('the pass has been used')
}

async function answer(
  companion: Companion,
  pass: Pass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { settings, recovered } = companion
  await recovered
  switch (pass.service) {
    case 'push-report': {
      const entry = await reportOf(companion, pass)
      return entry ? json(response, 200, entry.report) : text(response, 404, 'no such push')
    }
    case 'settle-push':
      return settlePush(companion, pass, request, response)
    case 'identity':
      return identity(companion, pass, request, response)
    case 'check-config':
      return checkConfig(companion, request, response)
    case 'check-link': {
      const { repository } = pass
      const mirror = companion.mirrors.of(repository)
      return json(response, 200, {
        steps: await checkLink(repository, mirror, () => companion.links.to(repository), settings),
      })
    }
    case 'introduced':
      return json(response, 200, await introducedTo(companion.mirrors.of(pass.repository), pass.refs))
    default:
      return git(companion, pass, request, response)
  }
}

/** The word of a push: once it has begun, or once it has ended; what there is of it when the wait runs out. */
async function reportOf(
  { sessions, journal }: Companion,
  { push, wait, until }: Pick<PassFor<'push-report'>, 'push' | 'wait' | 'until'>,
): Promise<Entry | undefined> {
  const entry = await journal.read(push)
  if (entry && (until === 'begun' || entry.report.outcome !== 'open')) return entry
  if (until === 'begun') await journal.begun(push, wait * 1000)
  else await sessions.ended(push, wait * 1000)
  return journal.read(push)
}

/** The word of a push, or else what its upstream has of it; 503 when that cannot be learnt now. */
async function settlePush(
  companion: Companion,
  pass: PassFor<'settle-push'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const entry = await reportOf(companion, { push: pass.push, wait: 0, until: 'ended' })
  if (entry) return json(response, 200, { known: entry.report })
  const refs = LostRefs.parse(JSON.parse((await bodyText(request, 8 << 20)) ?? ''))
  const has = await whatStands(pass.repository, refs, companion)
  if (has === 'no answer') return text(response, 503, 'the upstream does not answer')
  json(response, 200, { upstreamHas: has })
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
  const { settings, sessions, mirrors } = companion
  if (pass.service === 'git-receive-pack')
    return push(companion, pass, httpClient(request, response, settings.clientIdleMs))
  const mirror = mirrors.of(pass.repository)
  const begun = sessions.begin({ id: pass.id, agent: pass.agent, service: pass.service })
  if (!begun.ok) return busy(pass, response, begun.why)
  try {
    if (pass.service === 'advertise-upload-pack' || pass.service === 'advertise-receive-pack') {
      await mirror.refresh(pass.repository, goneSignal(response))
      return await advertise(pass, request, response, mirror, settings)
    }
    // The mirror is a cache: one that was deleted since the advertisement is made again.
    if (!(await mirror.present())) await mirror.refresh(pass.repository, goneSignal(response))
    return await uploadPack(pass, request, response, mirror, settings)
  } catch (error) {
    if (response.destroyed) return
    if (!(error instanceof UpstreamError)) throw error
    if (pass.service === 'git-upload-pack') return refuseFetch(response, error.message)
    return text(response, 502, error.message)
  } finally {
    begun.end()
  }
}

/** A push, in whatever way it came. Its session ends when the client has its answer, or is given up. */
export async function push(
  { settings, sessions, mirrors, links, journal, checks }: Companion,
  pass: PassFor<'git-receive-pack'>,
  client: Client,
  /** Called when its outcome is in the journal. The Worker asks by itself for those that come through it. */
  announce = async () => {},
): Promise<void> {
  const begun = sessions.begin({ id: pass.id, agent: pass.agent, service: pass.service })
  if (!begun.ok) return refusePush(client, { pass, journal, announce }, begun.why)
  try {
    const mirror = mirrors.of(pass.repository)
    const linkTo = () => links.to(pass.repository)
    try {
      if (!(await mirror.present())) await mirror.refresh(pass.repository, client.gone)
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      return await refusePush(client, { pass, journal, announce }, error.message)
    }
    await receivePack(client, {
      pass,
      session: begun.session,
      mirror,
      linkTo,
      checks,
      journal,
      announce,
      settings,
    })
  } finally {
    begun.end()
  }
}

/** Too many at once, told in the form each fetch's client prints. */
function busy(pass: Pass, response: ServerResponse, why: string): void {
  response.setHeader('retry-after', '5')
  if (pass.service === 'git-upload-pack') return refuseFetch(response, why)
  text(response, 503, why)
}

async function bodyText(request: IncomingMessage, most: number): Promise<string | undefined> {
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > most) return undefined
  }
  return text
}

/** A configuration is tried with gitleaks, and nothing of it is kept. */
async function checkConfig(
  { settings }: Companion,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const text = await bodyText(request, 64_000)
  if (text === undefined) return json(response, 413, { error: 'that is too long for a configuration' })
  const scratch = join(settings.home, 'scratch')
  await mkdir(scratch, { recursive: true, mode: 0o700 })
  const problem = await checkGitleaksConfig(text, settings.gitleaks, scratch)
  json(response, 200, { problem: problem ?? null } satisfies ConfigCheck)
}

async function identity(
  companion: Companion,
  pass: PassFor<'identity'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const key = await bodyText(request, 64_000)
  if (key === undefined) return json(response, 413, { error: 'that is too long for a private key' })
  try {
    json(response, 200, { publicKey: await addIdentity(companion.identities, pass.identity, key) })
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error
    json(response, 409, { error: error.message })
  }
}
