import type { Context } from 'hono'
import { z } from 'zod'
import type { GitEnv } from '../auth/agent.ts'
import { hasShortBody } from '../common/short-body.ts'
import { askCompanion } from '../companion/index.ts'
import { LockPath } from '../contract/lfs.ts'
import { newId } from '../ledger/id.ts'
import { deleteLock, lockAgents, recordLock } from '../ledger/lfs-records/locks.ts'
import { relayResponse } from './relay-response.ts'
import { lfsError, lfsResponse } from './respond.ts'

const Lock = z.looseObject({
  id: z.string(),
  path: z.string(),
  owner: z.looseObject({ name: z.string() }).optional(),
})
type Lock = z.infer<typeof Lock>

const Listed = z.looseObject({ locks: z.array(Lock).nullish() })
const Verified = z.looseObject({ ours: z.array(Lock).nullish(), theirs: z.array(Lock).nullish() })
const SingleLock = z.looseObject({ lock: Lock })

/**
 * Serves the locking API (git-lfs docs/api/locking.md). Upstream knows every lock of the gate as the gate's own; the
 * ledger knows its agent.
 */
export async function locks(c: Context<GitEnv>): Promise<Response> {
  const { method } = c.req.raw
  const url = new URL(c.req.url)
  const path = LockPath.safeParse(url.pathname.replace(/^.*\/info\/lfs\/locks/, '')).data
  if (path === undefined || (method !== 'POST' && !(method === 'GET' && path === '')))
    return lfsError(404, 'the locking API has no such path')
  const { agent, access } = c.var
  const { repository, terms } = access
  const isWrite = method === 'POST' && path !== '/verify'
  if (isWrite && terms.rules.length === 0)
    return lfsError(403, `${agent} may read ${repository.name}, not lock its files`)
  const id = /^\/(.+)\/unlock$/.exec(path)?.[1]
  const agents = await lockAgents(c.env.LEDGER, repository.name)
  const holder = id === undefined ? undefined : agents.get(id)
  if (id !== undefined && holder !== agent)
    return lfsError(
      403,
      `the lock ${id} is ${holder === undefined ? "not the gate's" : `${holder}'s`}; its holder unlocks it`,
    )
  const own = [...agents.values()].filter(each => each === agent).length
  if (isWrite && id === undefined && own >= MAX_LOCKS)
    return lfsError(403, `${agent} holds ${own} locks in ${repository.name}; unlock some first`)
  const answer = await requestLocks(c, method, path, url.search)
  // The lock was removed at upstream, past the gate.
  if (id !== undefined && answer?.status === 404) await deleteLock(c.env.LEDGER, repository.name, id)
  if (!answer?.ok) return relayResponse(answer)
  const body: unknown = await answer.json().catch(() => undefined)
  if (path === '/verify') return lfsResponse(answer.status, splitByAgent(Verified.parse(body), agent, agents))
  if (method === 'GET') {
    const listed = Listed.parse(body)
    return lfsResponse(answer.status, {
      ...listed,
      locks: (listed.locks ?? []).map(lock => withAgentName(lock, agents)),
    })
  }
  const { lock } = SingleLock.parse(body)
  if (id === undefined) await recordLock(c.env.LEDGER, repository.name, lock.id, agent)
  else await deleteLock(c.env.LEDGER, repository.name, id)
  return lfsResponse(answer.status, { lock: { ...lock, owner: { name: agent } } })
}

async function requestLocks(
  c: Context<GitEnv>,
  method: 'GET' | 'POST',
  path: z.infer<typeof LockPath>,
  query: string,
): Promise<Response | undefined> {
  const { repository, terms } = c.var.access
  if (method === 'POST' && !hasShortBody(c.req.raw, MAX_BODY))
    return lfsError(413, `send a Content-Length of at most ${MAX_BODY} with a lock request`)
  const body = method === 'POST' ? await c.req.text() : ''
  return askCompanion(
    c.env,
    repository.name,
    { service: 'lfs-locks', id: newId(), repository, agent: c.var.agent, terms, method, path, query },
    { body, signal: c.req.raw.signal },
  ).catch(() => undefined)
}

const MAX_BODY = 64_000

/** The most locks of an agent in a repository: each is a row, and git-lfs never ends one by itself. */
const MAX_LOCKS = 1_000

/** Names the agent of a lock as its owner. A lock that was made past the gate keeps upstream's owner. */
function withAgentName(lock: Lock, agents: ReadonlyMap<string, string>): Lock {
  const agent = agents.get(lock.id)
  return agent === undefined ? lock : { ...lock, owner: { ...lock.owner, name: agent } }
}

/** Sorts locks by the agent that asks: upstream counts the locks of all agents as the gate's. */
function splitByAgent(
  { ours, theirs, ...rest }: z.infer<typeof Verified>,
  agent: string,
  agents: ReadonlyMap<string, string>,
) {
  const all = [...(ours ?? []), ...(theirs ?? [])].map(lock => withAgentName(lock, agents))
  const isOwn = (lock: Lock) => agents.get(lock.id) === agent
  return { ...rest, ours: all.filter(isOwn), theirs: all.filter(lock => !isOwn(lock)) }
}
