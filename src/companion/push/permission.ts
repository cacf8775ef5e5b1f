import { approvalPage } from '../../common/console-links.ts'
import { logError } from '../../common/log.ts'
import { settingsOf } from '../../common/settings.ts'
import type { Permission } from '../../contract/companion-api/push-event.ts'
import { accessOfPush } from '../../ledger/access/token-and-grant.ts'
import { knownApprovals } from '../../ledger/approvals/approvals.ts'
import { newId } from '../../ledger/id.ts'
import type { PassRequest } from '../pass.ts'

/** Recorded instead of a token's id for clients of `git://`, which have no token. */
export const NO_TOKEN = 'git://'

/**
 * Builds the pass that tells the companion whether a checked push may be forwarded. An error counts as
 * `unavailable`.
 */
export async function permissionPass(env: Env, push: string): Promise<PassRequest> {
  const permission = await decidePermission(env, push).catch((error: unknown): Permission => {
    logError({ push }, error)
    return { decision: 'unavailable' }
  })
  return { service: 'permit-push', id: newId(), push, permission }
}

/** Judges a push by its token, grant and exceptions as they are now. */
export async function decidePermission(env: Env, push: string): Promise<Permission> {
  const refuse = (reason: string): Permission => ({ decision: 'refuse', reason })
  const found = await accessOfPush(env.LEDGER, push)
  if (!found) return refuse('it is closed on record')
  const { agent, tokenId, token, access } = found
  if (tokenId === NO_TOKEN) {
    if (agent !== settingsOf(env).GATE_GIT_AGENT) return refuse(`${agent} may not push over git:// any more`)
  } else if (!token || token.revokedAt !== null)
    return refuse(`the token ${tokenId} was revoked during the push`)
  else if (token.expiresAt !== null && token.expiresAt <= Date.now())
    return refuse(`the token ${tokenId} expired during the push`)
  if (!access) return refuse(`${agent} lost its grant during the push`)
  const { repository, terms, exceptions } = access
  return {
    decision: 'forward',
    url: repository.url,
    terms,
    exceptions: exceptions.map(({ id }) => id),
    approvals: terms.ask.length
      ? await knownApprovals(env.LEDGER, { agent, repository: repository.name })
      : [],
    approvalPage: approvalPage(env, push),
  }
}
