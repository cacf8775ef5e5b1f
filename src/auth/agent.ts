import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import { textResponse } from '../common/git-responses.ts'
import { type RepositoryPath, readHostCallPath, readPath } from '../common/repository-path.ts'
import type { AgentName } from '../contract/names.ts'
import { grantedRepositories } from '../ledger/access/grants.ts'
import { findTokenAndGrantTogether } from '../ledger/access/shared-reads.ts'
import {
  type Access,
  type AccessQuestion,
  type FoundAccess,
  findTokenAndGrant,
  type KnownToken,
  touchToken,
} from '../ledger/access/token-and-grant.ts'
import { isToken, parseToken } from '../ledger/access/token-format.ts'
import { authorizationOf, credentials } from './credentials.ts'

/** Hono's environment of routes that need only a token: the authenticated agent. */
export interface AgentEnv {
  Bindings: Env
  Variables: { agent: AgentName; token: KnownToken }
}

/**
 * Hono's environment of the git routes: the authenticated agent, its token and its access to the repository.
 */
export interface GitEnv {
  Bindings: Env
  Variables: AgentEnv['Variables'] & {
    access: Access
    /** The id of the push in the ledger, for the log. A fetch has none. */
    push?: string
  }
}

const unauthorized = (reason: string) =>
  textResponse(
    401,
    [reason, 'the password is the token of an agent; git gate agent-config gives it to git without a URL'],
    {
      'www-authenticate': 'Basic realm="git-gate", charset="UTF-8"',
    },
  )

type AgentContext = Pick<Context, 'req' | 'executionCtx'> & { env: Env }

/** Reads a token and its agent's access from the ledger. */
type FindAccess = (c: AgentContext, question: AccessQuestion) => Promise<FoundAccess | undefined>

const findAccess: FindAccess = (c, question) => findTokenAndGrant(c.env.LEDGER, question)

const findAccessTogether: FindAccess = (c, question) =>
  findTokenAndGrantTogether(c.env.LEDGER, question, work => c.executionCtx.waitUntil(work))

/**
 * Checks the token of a request. Returns its agent, with the access to a repository if there is a grant, or the
 * response that refuses it.
 */
async function findAgent(
  c: AgentContext,
  repository: string,
  ignoresCase = false,
  find: FindAccess = findAccess,
): Promise<Response | { token: KnownToken; access?: Access }> {
  const presented = credentials(authorizationOf(c.req.raw))
  const token = presented && parseToken(presented.token)
  if (!presented || !token)
    return unauthorized(presented ? 'the password is not a token of this gate' : 'a token is required')
  const found = await find(c, {
    tokenId: token.id,
    repository,
    ignoresCase,
    user: presented.user ?? '',
  })
  if (!found || !(await isToken(token.text, found.token.hash))) return unauthorized('the token is unknown')
  const { token: known } = found
  const now = Date.now()
  if (known.revokedAt !== null)
    return unauthorized(`the token ${known.id} was revoked; ask an operator for a new one`)
  if (known.expiresAt !== null && known.expiresAt <= now)
    return unauthorized(`the token ${known.id} has expired; ask an operator for a new one`)
  if (found.isForAnotherAgent)
    return unauthorized(
      `the token ${known.id} does not belong to ${JSON.stringify(presented.user)}; omit the user name, or use the name of the token's agent`,
    )
  c.executionCtx.waitUntil(touchToken(c.env.LEDGER, known))
  return found
}

/** Requires a valid token of any agent; answers 401 otherwise. */
export const authenticateAgent = createMiddleware<AgentEnv>(async (c, next) => {
  const found = await findAgent(c, '')
  if (found instanceof Response) return found
  c.set('agent', found.token.agent)
  c.set('token', found.token)
  return next()
})

/** Limit of the repositories that a refusal names. */
const MAX_NAMED = 10

async function describeGranted(ledger: D1Database, agent: AgentName): Promise<string> {
  const names = await grantedRepositories(ledger, agent, MAX_NAMED + 1)
  const more = names.length > MAX_NAMED ? ', and more' : ''
  return `its repositories: ${names.slice(0, MAX_NAMED).join(', ') || 'none'}${more}`
}

/**
 * Requires a valid token of an agent with a grant for the repository; answers 401 or 404 otherwise. An
 * unknown repository and a repository without a grant get the same response, so that an agent cannot probe
 * for names.
 */
const authenticateFor = (
  read: (request: Request) => RepositoryPath,
  ignoresCase: boolean,
  find: FindAccess = findAccess,
) =>
  createMiddleware<GitEnv>(async (c, next) => {
    const path = read(c.req.raw)
    const found = await findAgent(c, path.ok ? path.name : '', ignoresCase, find)
    if (found instanceof Response) return found
    const { token: known, access } = found
    if (!path.ok) return textResponse(404, [path.reason])
    if (!access)
      return textResponse(404, [
        `${known.agent} has no grant for ${path.name}`,
        await describeGranted(c.env.LEDGER, known.agent),
        `an operator grants it with: git gate grant set ${known.agent} ${path.name} --read`,
      ])
    c.set('agent', known.agent)
    c.set('token', known)
    c.set('access', access)
    return next()
  })

/** Requires an agent's access to the repository of a git request. */
export const authenticate = authenticateFor(readPath, false)

/** Requires an agent's access to the repository of an LFS object. Requests at once share their reading of the ledger. */
export const authenticateTransfer = authenticateFor(readPath, false, findAccessTogether)

/** Requires an agent's access to the repository of a host call. gh writes host names in small letters. */
export const authenticateHostCall = authenticateFor(readHostCallPath, true)
