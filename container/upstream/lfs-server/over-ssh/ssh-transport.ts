import type { Readable } from 'node:stream'
import type { Upstream } from '../../../../src/contract/companion-api/pass.ts'
import type { LfsObject, LfsOperation } from '../../../../src/contract/lfs.ts'
import { UpstreamError } from '../../upstream-error.ts'
import {
  expiryOf,
  type LfsAnswer,
  type LfsOffer,
  type LfsTransport,
  type LfsTransportDeps,
  operationOf,
} from '../transport.ts'
import type { LfsSession } from './lfs-session.ts'
import { requestLocks } from './locks.ts'
import { encodeDataRequest, encodeRequest, type RequestArgs } from './messages.ts'
import { openLfsSession } from './open-session.ts'
import { createSessionPool, type SessionPool } from './session-pool.ts'

/** The pure SSH transfer, `git-lfs-transfer <path> <operation>` (git-lfs docs/proposals/ssh_adapter.md). */
export function createSshTransport(
  upstream: Upstream,
  { linkTo, forwardMs }: Pick<LfsTransportDeps, 'linkTo' | 'forwardMs'>,
): LfsTransport {
  const open = async (operation: LfsOperation, signal: AbortSignal) =>
    openLfsSession(await linkTo(upstream), upstream, operation, signal)
  const pool = createSessionPool(open)
  return {
    async batch(operation, objects, signal) {
      const lines = objects.map(({ oid, size }) => `${oid} ${size}`)
      const request = encodeRequest('batch', { transfer: 'ssh', 'hash-algo': 'sha256' }, lines)
      const reply = await withSession(pool, operation, signal, async session =>
        session.successOf(await session.ask(request)),
      )
      const actions = parseActions(reply.lines)
      return objects.flatMap((object): LfsAnswer[] => {
        const found = actions.get(object.oid)
        if (!found) return []
        const args = found.get(operation)
        return [{ oid: object.oid, offer: args && offerOf(pool, operation, object, args, forwardMs) }]
      })
    },
    locks: (request, signal) =>
      withSession(pool, operationOf(request), signal, session => requestLocks(session, request)),
  }
}

async function withSession<T>(
  pool: SessionPool,
  operation: LfsOperation,
  signal: AbortSignal,
  work: (session: LfsSession) => Promise<T>,
): Promise<T> {
  const { session, release } = await pool.acquire(operation, signal)
  try {
    return await work(session)
  } finally {
    release()
  }
}

/** Parses `<oid> <size> <action> [<key>=<value>…]`. Returns the arguments of each object's actions. */
function parseActions(
  lines: readonly string[],
): ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const objects = new Map<string, Map<string, ReadonlyMap<string, string>>>()
  for (const line of lines) {
    const [oid, size, action, ...args] = line.split(' ')
    if (!oid || !size || !action)
      throw new UpstreamError('the LFS server answers in a way that cannot be read')
    const actions = objects.get(oid) ?? new Map<string, ReadonlyMap<string, string>>()
    actions.set(action, new Map(args.map(splitArg)))
    objects.set(oid, actions)
  }
  return objects
}

function splitArg(arg: string): [key: string, value: string] {
  const separator = arg.indexOf('=')
  return separator < 0 ? [arg, ''] : [arg.slice(0, separator), arg.slice(separator + 1)]
}

function offerOf(
  pool: SessionPool,
  operation: LfsOperation,
  object: LfsObject,
  given: ReadonlyMap<string, string>,
  answerMs: number,
): LfsOffer {
  const { oid, size } = object
  const args: RequestArgs = { size, id: given.get('id'), token: given.get('token') }
  const expiresAt = expiryOf({
    expires_in: Number(given.get('expires-in')) || undefined,
    expires_at: given.get('expires-at'),
  })
  return operation === 'download'
    ? { expiresAt, download: signal => download(pool, encodeRequest(`get-object ${oid}`, args), signal) }
    : { expiresAt, upload: (open, signal) => upload(pool, oid, args, open, answerMs, signal) }
}

async function download(
  pool: SessionPool,
  request: Buffer,
  signal: AbortSignal,
): Promise<AsyncIterable<Buffer>> {
  const { session, release } = await pool.acquire('download', signal)
  try {
    return releasing(await session.get(request), release)
  } catch (error) {
    release()
    throw error
  }
}

async function* releasing(bytes: AsyncIterable<Buffer>, release: () => void): AsyncGenerator<Buffer> {
  try {
    yield* bytes
  } finally {
    release()
  }
}

async function upload(
  pool: SessionPool,
  oid: string,
  args: RequestArgs,
  open: () => Readable,
  answerMs: number,
  signal: AbortSignal,
): Promise<void> {
  await withSession(pool, 'upload', signal, async session => {
    const body = open()
    try {
      await session.put(encodeDataRequest(`put-object ${oid}`, args), body, answerMs)
    } finally {
      body.destroy()
    }
    session.successOf(await session.ask(encodeRequest(`verify-object ${oid}`, args)))
  })
}
