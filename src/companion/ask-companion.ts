import { settingsOf } from '../common/settings.ts'
import { withTimeout } from '../common/with-timeout.ts'
import { PASS_HEADER, type Pass, ROUTES } from '../contract/companion-api/pass.ts'
import { newId } from '../ledger/id.ts'
import { drainableBody } from './drainable-body.ts'
import { sendToFixed } from './fixed-url.ts'
import { NO_ANSWER, notReady } from './not-ready.ts'
import { type PassRequest, passFor } from './pass.ts'

interface CompanionRequest {
  readonly body?: BodyInit | null
  /** The Content-Length of a streamed body, if it has one. */
  readonly length?: string | null
  readonly headers?: HeadersInit
  readonly signal?: AbortSignal
}

/**
 * The services that need nothing of the Durable Object where a companion has a fixed URL. The object would copy each byte
 * of a clone, and hundreds of LFS objects follow each other.
 */
const DIRECT: ReadonlySet<Pass['service']> = new Set([
  'advertise-upload-pack',
  'git-upload-pack',
  'lfs-download',
  'lfs-upload',
  'lfs-verify',
])

/**
 * Sends a request to a repository's companion through its Durable Object, with a pass for this request.
 * Bodies stream in both directions. The request ends when `signal` aborts.
 */
export async function askCompanion(
  env: Env,
  repository: string,
  passRequest: PassRequest,
  init: CompanionRequest = {},
): Promise<Response> {
  const direct = DIRECT.has(passRequest.service) ? await askDirectly(env, passRequest, init) : undefined
  if (direct) return direct
  const { method, path } = ROUTES[passRequest.service]
  const stub = env.COMPANION.get(env.COMPANION.idFromName(repository))
  return stub.fetch(`http://companion${path}`, await requestInit(env, method, passRequest, init))
}

async function requestInit(env: Env, method: string, request: PassRequest, init: CompanionRequest) {
  const headers = new Headers(init.headers)
  headers.set(PASS_HEADER, await passFor(env, request))
  return {
    method,
    headers,
    body: init.body ?? null,
    signal: init.signal ?? null,
    redirect: 'manual',
  } as const
}

/**
 * Sends a request to a companion at a fixed URL. Returns undefined where there is none. Returns undefined, too, if a
 * request without a body does not reach it or is refused: the Durable Object then waits for the companion, or says why.
 * A companion that does not answer in time is reported as by the object.
 */
async function askDirectly(
  env: Env,
  request: PassRequest,
  init: CompanionRequest,
): Promise<Response | undefined> {
  const send = sendToFixed(env)
  if (!send) return undefined
  const { method, path } = ROUTES[request.service]
  const upload =
    init.body instanceof ReadableStream ? drainableBody(init.body, init.length ?? null) : undefined
  const late = new AbortController()
  const signal = init.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal
  const answerMs = settingsOf(env).GATE_COMPANION_ANSWER_SECONDS * 1000
  try {
    // A pass is valid once, and the Durable Object may need another.
    const sent = { ...init, body: upload?.body ?? null, signal }
    const answer = send(path, await requestInit(env, method, { ...request, id: newId() }, sent))
    answer.catch(() => {})
    // The time for the answer begins when the companion has the whole request.
    await Promise.race([answer, upload?.consumed])
    const answered = await withTimeout(answerMs, answer, undefined)
    if (answered && (upload || answered.status !== 403)) return answered
    if (answered) return void (await answered.body?.cancel())
    late.abort()
    await upload?.drain()
    return notReady(path, NO_ANSWER)
  } catch (error) {
    if (!upload && !init.signal?.aborted) return undefined
    // Git reads a response only after it has sent its request.
    await upload?.drain()
    throw error
  }
}
