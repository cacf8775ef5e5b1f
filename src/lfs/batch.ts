import type { Context } from 'hono'
import type { GitEnv } from '../auth/agent.ts'
import { logError } from '../common/log.ts'
import { refuseReadOnly } from '../common/refuse-read-only.ts'
import { companionKind, settingsOf } from '../common/settings.ts'
import { hasShortBody } from '../common/short-body.ts'
import { askCompanion } from '../companion/index.ts'
import { type Action, isAllowed } from '../contract/grant.ts'
import { LFS_JSON, LfsAvailability, LfsBatch, MAX_BATCH } from '../contract/lfs.ts'
import { formatBytes } from '../contract/text/format-bytes.ts'
import { newId } from '../ledger/id.ts'
import { recordDownloads } from '../ledger/lfs-records/transfers.ts'
import { relayResponse } from './relay-response.ts'
import { lfsError, lfsResponse } from './respond.ts'

/** The limit of a batch's body, in bytes: an object takes about 100. */
const MAX_BODY = 1 << 20

/** Cloudflare's limit of a request's body, in bytes (docs/deploy.md). */
const EDGE_BYTES = 100_000_000

/** The time for which an action may be used, in seconds. Each use asks for the token again. */
const ACTION_SECONDS = 3600

type BatchObject = LfsAvailability['objects'][number]

/** Serves `POST …/info/lfs/objects/batch` (git-lfs docs/api/batch.md). All actions lead to the gate. */
export async function batch(c: Context<GitEnv>): Promise<Response> {
  if (!hasShortBody(c.req.raw, MAX_BODY))
    return lfsError(413, `send a Content-Length of at most ${formatBytes(MAX_BODY)} with the batch`)
  const read = await readBatch(c.req.raw)
  if (!read) return lfsError(422, `a batch is JSON with an operation and 1 to ${MAX_BATCH} objects`)
  const { operation, transfers, ref, objects } = read
  if (transfers && !transfers.includes('basic')) return lfsError(422, 'only the basic transfer is served')
  const { agent, access, token } = c.var
  const { repository, terms, exceptions, declines, gitleaksConfig } = access
  if (operation === 'upload' && terms.rules.length === 0)
    return lfsError(403, refuseReadOnly(agent, repository.name).join('; '))
  const answer = await askCompanion(
    c.env,
    repository.name,
    {
      service: 'lfs-batch',
      id: newId(),
      repository,
      agent,
      terms,
      operation,
      exceptions: [...exceptions],
      declines: [...declines],
      gitleaksConfig,
    },
    {
      body: JSON.stringify({ objects }),
      headers: { 'content-type': 'application/json' },
      signal: c.req.raw.signal,
    },
  ).catch(() => undefined)
  if (!answer?.ok) return relayResponse(answer)
  const found = LfsAvailability.parse(await answer.json()).objects
  if (operation === 'download') {
    const client = { repository: repository.name, agent, tokenId: token.id }
    c.executionCtx.waitUntil(
      recordDownloads(c.env.LEDGER, client, found).catch(error => logError({ at: 'lfs transfers' }, error)),
    )
  }
  const answerFor: (object: BatchObject) => unknown =
    operation === 'upload' ? uploadOf(c, refusalOf(c, ref?.name)) : downloadOf(c)
  return lfsResponse(200, { transfer: 'basic', hash_algo: 'sha256', objects: found.map(answerFor) })
}

async function readBatch(request: Request): Promise<LfsBatch | undefined> {
  const type = request.headers.get('content-type')?.split(';')[0]
  if (type !== LFS_JSON && type !== 'application/json') return undefined
  try {
    return LfsBatch.safeParse(await request.json()).data
  } catch {
    return undefined
  }
}

/**
 * Returns why an object may not be uploaded for this ref. An object that upstream has needs no upload: `git lfs
 * push --all` asks about every ref. `git lfs push origin HEAD` names no ref that a push could have.
 */
function refusalOf(c: Context<GitEnv>, ref: string | undefined): string | undefined {
  if (!ref?.startsWith('refs/')) return undefined
  const { agent, access } = c.var
  const writes: readonly Action[] = ['create', 'update', 'force']
  return writes.some(action => isAllowed({ agent, terms: access.terms }, ref, action))
    ? undefined
    : `git-gate: ${agent} may not push to ${ref}; its rules: curl -u ${agent}:TOKEN ${new URL(c.req.url).origin}/${access.repository.name}`
}

const uploadOf = (c: Context<GitEnv>, refusal: string | undefined) => {
  const isAtEdge = companionKind(settingsOf(c.env)) === 'container'
  return ({ oid, size, isPresent, error }: BatchObject) => {
    if (isPresent) return { oid, size }
    if (error) return { oid, size, error }
    if (refusal !== undefined) return { oid, size, error: { code: 403, message: refusal } }
    if (isAtEdge && size > EDGE_BYTES) {
      const message = `git-gate: the object is ${formatBytes(size)}, and Cloudflare passes on ${formatBytes(EDGE_BYTES)} at most; an operator can push it to upstream directly`
      return { oid, size, error: { code: 413, message } }
    }
    const href = objectUrl(c, oid, size)
    return {
      oid,
      size,
      authenticated: true,
      actions: { upload: action(c, href), verify: action(c, href.replace('?', '/verify?')) },
    }
  }
}

const downloadOf =
  (c: Context<GitEnv>) =>
  ({ oid, size, isPresent, error }: BatchObject) =>
    isPresent
      ? { oid, size, authenticated: true, actions: { download: action(c, objectUrl(c, oid, size)) } }
      : { oid, size, error }

/** Returns the address of an object, below the address that the client has used for the batch. */
function objectUrl(c: Context<GitEnv>, oid: string, size: number): string {
  const { origin, pathname } = new URL(c.req.url)
  return `${origin}${pathname.replace(/\/batch$/, '')}/${oid}?size=${size}`
}

/** The client's own credentials: without them, git-lfs would send each object once in vain. */
const action = (c: Context<GitEnv>, href: string) => ({
  href,
  header: { Authorization: c.req.header('authorization') ?? '' },
  expires_in: ACTION_SECONDS,
})
