import { z } from 'zod'
import { UpstreamError } from '../../upstream-error.ts'
import type { LockAnswer, LockRequest } from '../transport.ts'
import type { LfsSession } from './lfs-session.ts'
import { encodeRequest, type Reply } from './messages.ts'

const Ref = z.object({ name: z.string() }).nullish()
const Lock = z.object({ path: z.string().min(1), ref: Ref })
const Unlock = z.object({ force: z.boolean().nullish(), ref: Ref })
const Verify = z.object({ cursor: z.string().nullish(), limit: z.number().nullish(), ref: Ref })

const answerOf = (status: number, body: unknown): LockAnswer => ({ status, text: JSON.stringify(body) })

/** Serves a request of the locking API by the commands of git-lfs-transfer. */
export async function requestLocks(
  session: LfsSession,
  { method, path, body }: LockRequest,
): Promise<LockAnswer> {
  // git-lfs pushes on without locks after 404.
  if (!session.hasLocking) return answerOf(404, { message: 'the upstream has no file locks' })
  const [, name = '', query] = /^([^?]*)(?:\?(.*))?$/s.exec(path) ?? []
  const unlocked = /^\/([^/]+)\/unlock$/.exec(name)?.[1]
  if (method === 'GET') return listLocks(session, new URLSearchParams(query))
  if (name === '/verify') return verifyLocks(session, body)
  return unlocked === undefined ? lock(session, body) : unlock(session, unlocked, body)
}

/** The arguments of `list-lock`. The locking API has the same names. */
const LIST_ARGS = ['path', 'id', 'cursor', 'limit', 'refspec'] as const

const INVALID = answerOf(400, { message: 'the request for a lock cannot be read' })

async function lock(session: LfsSession, body: unknown): Promise<LockAnswer> {
  const { data } = Lock.safeParse(body)
  if (!data) return INVALID
  const reply = await session.ask(encodeRequest('lock', { path: data.path, refname: data.ref?.name }))
  if (reply.status >= 300) return refusalOf(reply)
  return answerOf(201, { lock: lockOf(reply, {}) })
}

async function unlock(session: LfsSession, id: string, body: unknown): Promise<LockAnswer> {
  const { data } = Unlock.safeParse(body)
  if (!data) return INVALID
  const args = { force: data.force ? 'true' : undefined, refname: data.ref?.name }
  const reply = await session.ask(encodeRequest(`unlock ${id}`, args))
  // Some servers read the arguments as a request of its own, and answer once more.
  session.end()
  if (reply.status >= 300) return refusalOf(reply)
  // The protocol lets a server leave out the lock.
  return answerOf(200, { lock: lockOf(reply, { id, path: '' }) })
}

async function listLocks(session: LfsSession, query: URLSearchParams): Promise<LockAnswer> {
  const args = LIST_ARGS.map(key => [key, query.get(key) ?? undefined])
  const reply = await session.ask(encodeRequest('list-lock', Object.fromEntries(args)))
  if (reply.status >= 300) return refusalOf(reply)
  const locks = parseLocks(reply).map(({ lock }) => lock)
  return answerOf(200, { locks, next_cursor: reply.args.get('next-cursor') })
}

async function verifyLocks(session: LfsSession, body: unknown): Promise<LockAnswer> {
  const { data } = Verify.safeParse(body)
  if (!data) return INVALID
  const { cursor, limit, ref } = data
  const args = { cursor: cursor || undefined, limit: limit || undefined, refname: ref?.name }
  const reply = await session.ask(encodeRequest('list-lock', args))
  if (reply.status >= 300) return refusalOf(reply)
  const locks = parseLocks(reply)
  return answerOf(200, {
    ours: locks.filter(({ isOurs }) => isOurs).map(({ lock }) => lock),
    theirs: locks.filter(({ isOurs }) => !isOurs).map(({ lock }) => lock),
    next_cursor: reply.args.get('next-cursor'),
  })
}

interface LockJson {
  readonly id: string
  readonly path: string
  readonly locked_at?: string | undefined
  readonly owner?: { readonly name: string } | undefined
}

/** Returns the answer to a refused request: with the lock of 409, and the server's words. */
function refusalOf(reply: Reply): LockAnswer {
  const message = reply.lines.join(' ')
  return answerOf(reply.status, reply.status === 409 ? { lock: lockOf(reply, {}), message } : { message })
}

function lockOf({ args }: Reply, known: { id?: string; path?: string }): LockJson {
  const [id, path, name] = [args.get('id') ?? known.id, args.get('path') ?? known.path, args.get('ownername')]
  if (id === undefined || path === undefined)
    throw new UpstreamError('the LFS server answers about a lock in a way that cannot be read')
  return { id, path, locked_at: args.get('locked-at'), owner: name === undefined ? undefined : { name } }
}

/** Parses the lines `lock <id>` and `<property> <id> <value>`. */
function parseLocks({ lines }: Reply): { lock: LockJson; isOurs: boolean }[] {
  const found = new Map<string, Map<string, string>>()
  for (const line of lines) {
    const [, property = '', id = '', value = ''] = /^(\S+) (\S+)(?: (.*))?$/s.exec(line) ?? []
    if (property === 'lock') found.set(id, new Map([['id', id]]))
    else found.get(id)?.set(property, value)
  }
  return [...found.values()].map(properties => ({
    lock: lockOf({ status: 200, args: properties, lines: [] }, {}),
    isOurs: properties.get('owner') === 'ours',
  }))
}
