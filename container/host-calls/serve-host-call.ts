import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { type Forge, forgeOf } from '../../src/contract/hosts/forge.ts'
import { MAX_HOST_CALL_BYTES } from '../../src/contract/hosts/host-call.ts'
import { withoutLikelySecrets } from '../../src/contract/text/unscanned-text.ts'
import { GateFault, refuseTexts, secretsSettings } from '../checks/index.ts'
import { bodyText } from '../client/respond.ts'
import { disconnectSignal, endWithTimeout } from '../client/response-end.ts'
import { type HostApi, hostApi, hostOf, parseJson } from '../forge/host-api.ts'
import { printable } from '../git/command-list.ts'
import { logError } from '../process/log.ts'
import { type SessionEnd, sessionEndOf } from '../sessions/session-counts.ts'
import { type Sessions, sessionOf } from '../sessions/sessions.ts'
import type { Settings } from '../settings.ts'
import type { Credentials } from '../upstream/https/credentials.ts'
import type { AppPermissions } from '../upstream/https/github-app.ts'
import { readText } from '../upstream/https/host-request.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { listAllowed } from './allowed.ts'
import { passOnJson, passOnText, respondWithJson } from './answer.ts'
import { refuseWrite } from './grant.ts'
import { planGraphQl } from './graphql-plan.ts'
import type { KnownCall, Plan } from './plan.ts'
import { findUnproven } from './prove.ts'
import { API_PATHS, planRest } from './rest-plan.ts'

/** gh takes any host but github.com for a GitHub Enterprise Server, and asks it for its version. */
const META = { path: '/meta', body: { installed_version: '3.99.0' } }

const READ: AppPermissions = {
  pull_requests: 'read',
  issues: 'read',
  checks: 'read',
  statuses: 'read',
  contents: 'read',
}

interface HostCalls {
  readonly settings: Settings
  readonly credentials: Pick<Credentials, 'tokenFor' | 'refused'>
  readonly sessions: Pick<Sessions, 'beginInTurn'>
}
type HostCallPass = PassFor<'host-call'>

/**
 * A call that is not made. The message has no text that no scan has read. `operation` is empty for a call that the gate
 * does not know.
 */
class Refused extends Error {
  readonly operation: string
  readonly status: number
  constructor(message: string, operation = '', status = 403) {
    super(message)
    this.operation = operation
    this.status = status
  }
}

/** Serves an agent's call in a session: its answer is held in memory, and an agent may send many calls at once. */
export async function serveHostCall(
  { sessions, ...needed }: HostCalls,
  pass: HostCallPass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const started = await sessions.beginInTurn(sessionOf(pass), disconnectSignal(response))
  if (!started.ok) {
    const busy = new Refused(started.reason, '', 503)
    return respondWithError(response, pass, { forge: undefined, operation: '' }, busy)
  }
  let end: SessionEnd = { outcome: 'failed' }
  try {
    await answerCall(needed, pass, request, response)
    const { readIdleMs } = needed.settings
    end = sessionEndOf(response.writableFinished ? undefined : await endWithTimeout(response, readIdleMs))
  } finally {
    started.end(end)
  }
}

/**
 * Sends an agent's call to the API of the upstream's host with the held credential: if the gate knows the operation, the
 * grant allows it, the host confirms that each id is of this project, and its text holds no secret.
 */
async function answerCall(
  { settings, credentials }: Pick<HostCalls, 'settings' | 'credentials'>,
  pass: HostCallPass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const signal = disconnectSignal(response)
  const forge = forgeOf(pass.repository)
  let operation = ''
  try {
    const text = await bodyText(request, MAX_HOST_CALL_BYTES)
    if (text === undefined) throw new Refused(`a call has ${MAX_HOST_CALL_BYTES} bytes at most`, '', 413)
    if (!forge)
      throw new Refused(
        `the gate does not know the API of ${pass.repository.name}'s host; an operator sets it: git gate repo set ${pass.repository.name} --forge KIND`,
      )
    const plan = planCall(pass, text, forge)
    if (plan.is === 'refused') throw new Refused(withoutLikelySecrets(printable(plan.reason)))
    operation = plan.is === 'local' ? plan.operation : plan.known.operation
    if (plan.is === 'local')
      return respondWithJson(response, 200, plan.body, { operation, outcome: 'answered', reason: '' })
    const { known } = plan
    const refusal = refuseWrite(known, pass)
    if (refusal !== undefined) throw new Refused(withoutLikelySecrets(refusal), operation)
    const permissions = known.isWrite ? ({ ...READ, pull_requests: 'write' } as const) : READ
    const api = hostApi(forge, pass.repository, credentials, permissions, signal)
    const unproven = await findUnproven(api, known.proofs)
    if (unproven) throw new Refused(`${forge.project} has no such ${unproven.kind}`, operation)
    const secret = await findSecret(known, pass, settings, signal)
    if (secret !== undefined) throw new Refused(secret, operation)
    await send(api, known, response, signal)
  } catch (error) {
    respondWithError(response, pass, { forge, operation }, error)
  }
}

function planCall(pass: HostCallPass, text: string, forge: Forge): Plan {
  const { method, path } = pass
  const body = method === 'POST' ? parseJson(text) : undefined
  if (method === 'POST' && body === undefined) return { is: 'refused', reason: 'the body is not JSON' }
  if (forge.kind === 'github' && path === '/api/graphql')
    return method === 'POST'
      ? planGraphQl(body, forge.project)
      : { is: 'refused', reason: 'GraphQL is asked with POST' }
  const prefix = API_PATHS[forge.kind]
  if (!path.startsWith(`${prefix}/`))
    return { is: 'refused', reason: `the host's API is ${forge.kind}'s: its path begins with ${prefix}/` }
  const rest = path.slice(prefix.length)
  if (forge.kind === 'github' && rest === META.path)
    return { is: 'local', operation: 'read the version', body: META.body }
  return planRest(pass, rest, body, forge)
}

/** Returns why the text of a call must not leave the gate, or undefined. */
async function findSecret(
  { texts }: KnownCall,
  { repository, exceptions, declines, gitleaksConfig }: HostCallPass,
  settings: Settings,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (texts.length === 0) return undefined
  const decisions = { repository, exceptions, declines, gitleaksConfig }
  const scratch = join(settings.home, 'scratch', randomUUID())
  return inTurn(() => refuseTexts({ texts, decisions, scratch }, secretsSettings(settings), signal))
}

let lastCall: Promise<unknown> = Promise.resolve()

/** Does work of this kind one at a time: each scan starts gitleaks, and an agent may send many calls at once. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = lastCall.then(work)
  lastCall = mine.catch(() => {})
  return mine
}

async function send(
  api: HostApi,
  { operation, call, answer }: KnownCall,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { token, ...stream } = await api.stream(call)
  const host = hostOf(api.forge)
  if (stream.status >= 300 && stream.status < 400) {
    stream.body.destroy()
    throw new UpstreamError(
      `${host} answers with a redirect (status ${stream.status}), which the gate does not follow`,
    )
  }
  const result = {
    operation,
    outcome: 'answered',
    reason: stream.status < 400 ? '' : `status ${stream.status}`,
  } as const
  const { 'content-encoding': encoding = 'identity' } = stream.headers
  if (encoding !== 'identity') {
    stream.body.destroy()
    throw new UpstreamError(`${host} answers in the encoding ${encoding}, which was not asked for`)
  }
  if (answer === 'text' && stream.status === 200) return passOnText(response, stream, token, result)
  const text = await readText(stream.body, host, signal)
  passOnJson(response, { ...stream, text }, token, result, answer !== 'graphql')
}

function respondWithError(
  response: ServerResponse,
  pass: HostCallPass,
  { forge, operation }: { forge: Forge | undefined; operation: string },
  error: unknown,
): void {
  // The client has gone, or has a part of the answer.
  if (response.headersSent || response.destroyed) return void response.destroy()
  if (error instanceof Refused) {
    const message = `git-gate: ${error.message}`
    const allowed = forge ? listAllowed(forge, pass.terms) : []
    const body = { message, ...(error.status === 403 ? { allowed } : {}) }
    const result = { operation: error.operation, outcome: 'refused', reason: error.message } as const
    return respondWithJson(response, error.status, body, result)
  }
  if (!(error instanceof UpstreamError)) logError(pass.id, error)
  const isKnown = error instanceof UpstreamError || error instanceof GateFault
  const reason = isKnown ? error.message : 'the gate failed on this call; try again'
  respondWithJson(response, 502, { message: `git-gate: ${reason}` }, { operation, outcome: 'failed', reason })
}
