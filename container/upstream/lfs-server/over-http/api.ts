import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { LFS_JSON, type LfsObject, type LfsOperation } from '../../../../src/contract/lfs.ts'
import { UpstreamError } from '../../upstream-error.ts'
import { NoLfs, statusError } from '../transport.ts'
import { type LfsEndpoint, parseJson } from './endpoint.ts'
import { answerText, type LfsSender } from './send.ts'

const MAX_ANSWER_BYTES = 4 << 20

const Action = z.object({
  href: z.string().min(1),
  header: z.record(z.string(), z.string()).nullish(),
  expires_in: z.number().optional(),
  expires_at: z.string().optional(),
})
export type LfsAction = z.infer<typeof Action>

const BatchAnswer = z.object({
  oid: z.string(),
  size: z.number().optional(),
  authenticated: z.boolean().optional(),
  actions: z
    .object({ download: Action.optional(), upload: Action.optional(), verify: Action.optional() })
    .nullish(),
  error: z.object({ code: z.number(), message: z.string().default('') }).nullish(),
})
type BatchAnswer = z.infer<typeof BatchAnswer>
export type LfsActions = NonNullable<BatchAnswer['actions']>

const Batch = z.object({ transfer: z.string().optional(), objects: z.array(BatchAnswer) })

/** Asks for the actions of objects (git-lfs docs/api/batch.md). Rejects with UpstreamError. */
export async function requestBatch(
  send: LfsSender,
  endpoint: LfsEndpoint,
  operation: LfsOperation,
  objects: readonly LfsObject[],
  signal: AbortSignal,
): Promise<BatchAnswer[]> {
  const body = { operation, transfers: ['basic'], objects, hash_algo: 'sha256' }
  const { status, text } = await requestJson(send, endpoint, 'POST', '/objects/batch', body, signal)
  if (status === 404 || status === 501) throw new NoLfs('the upstream has no Git LFS')
  if (status !== 200) throw toError(endpoint.href, status, text)
  const read = Batch.safeParse(parseJson(text))
  if (!read.success || (read.data.transfer ?? 'basic') !== 'basic')
    throw new UpstreamError(`the LFS server ${hostOf(endpoint.href)} answers in a way that cannot be read`)
  return read.data.objects.map(answer => withCredentials(answer, endpoint))
}

/**
 * Adds the credentials of the API to actions that take credentials and bring none (git-lfs docs/api/batch.md,
 * `authenticated`). Another origin never gets them.
 */
function withCredentials(answer: BatchAnswer, { href, headers, token }: LfsEndpoint): BatchAnswer {
  if (token === undefined || answer.authenticated || !answer.actions) return answer
  const { origin } = new URL(href)
  const add = (action: LfsAction): LfsAction => {
    const hasOwn = Object.keys(action.header ?? {}).some(name => name.toLowerCase() === 'authorization')
    const isThere = URL.canParse(action.href) && new URL(action.href).origin === origin
    return hasOwn || !isThere ? action : { ...action, header: { ...action.header, ...headers } }
  }
  const actions = Object.entries(answer.actions).map(([name, action]) => [name, action && add(action)])
  return { ...answer, actions: Object.fromEntries(actions) }
}

/** Sends a request of the LFS API with a JSON body. Rejects with UpstreamError. */
export async function requestJson(
  send: LfsSender,
  { href, headers }: LfsEndpoint,
  method: 'GET' | 'POST',
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const answer = await send(`${href}${path}`, {
    method,
    headers: {
      ...headers,
      accept: LFS_JSON,
      ...(text === undefined
        ? {}
        : { 'content-type': LFS_JSON, 'content-length': String(Buffer.byteLength(text)) }),
    },
    signal,
    ...(text === undefined ? {} : { body: text }),
  })
  return { status: answer.statusCode ?? 0, text: await answerText(answer, MAX_ANSWER_BYTES) }
}

/** Makes the error of an answer that is not a success. */
export async function errorOf(url: string, answer: IncomingMessage): Promise<UpstreamError> {
  return toError(url, answer.statusCode ?? 0, await answerText(answer, 64_000).catch(() => ''))
}

function toError(url: string, status: number, text: string): UpstreamError {
  const { message } = z.object({ message: z.string() }).safeParse(parseJson(text)).data ?? {}
  return statusError(hostOf(url), status, message)
}

const hostOf = (url: string) => new URL(url).host
