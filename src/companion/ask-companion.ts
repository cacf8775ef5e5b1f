import { settingsOf } from '../common/settings.ts'
import { withTimeout } from '../common/with-timeout.ts'
import { PASS_HEADER, type Pass, ROUTES } from '../contract/companion-api/pass.ts'
import { newId } from '../ledger/id.ts'
import { type PassRequest, passFor } from './pass.ts'

interface CompanionRequest {
  readonly body?: BodyInit | null
  readonly headers?: HeadersInit
  readonly signal?: AbortSignal
}

/**
 * The services that need nothing of the Durable Object where a companion has a fixed URL: hundreds of such requests
 * follow each other, and none has a body.
 */
const DIRECT: ReadonlySet<Pass['service']> = new Set(['lfs-download', 'lfs-verify'])

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
 * Sends a request to a companion at a fixed URL. Returns undefined where there is none, and where it cannot be reached:
 * the Durable Object then waits for it, or says why.
 */
async function askDirectly(
  env: Env,
  request: PassRequest,
  init: CompanionRequest,
): Promise<Response | undefined> {
  const { GATE_COMPANION_URL: base, GATE_COMPANION_ANSWER_SECONDS } = settingsOf(env)
  if (base === undefined) return undefined
  const { method, path } = ROUTES[request.service]
  // A pass is valid once, and the Durable Object may need another.
  const sent = await requestInit(env, method, { ...request, id: newId() }, init)
  const answer = fetch(new URL(path, base), sent).catch((error: unknown) => {
    if (init.signal?.aborted) throw error
    return undefined
  })
  const answered = await withTimeout(GATE_COMPANION_ANSWER_SECONDS * 1000, answer, LATE)
  if (answered === LATE) throw new Error('the companion does not answer')
  return answered
}

const LATE = Symbol('late')
