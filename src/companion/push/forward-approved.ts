import { logError } from '../../common/log.ts'
import { withTimeout } from '../../common/with-timeout.ts'
import { accessOfPush } from '../../ledger/access/token-and-grant.ts'
import {
  type Approved,
  approvedPush,
  approvedPushes,
  expireApprovals,
  openNextForward,
} from '../../ledger/approvals/approvals.ts'
import { newId } from '../../ledger/id.ts'
import { closePush } from '../../ledger/pushes/write-pushes.ts'
import { askCompanion } from '../ask-companion.ts'
import { receivePackPass } from '../pass.ts'
import { restorePack } from './held-packs.ts'
import { decidePermission } from './permission.ts'
import { syncOutcome } from './sync-outcome.ts'

/**
 * Forwards an approved push: its companion sends the kept objects through a push of its own, with every check, under
 * the id that the ledger has opened for it. Resolves when that push has ended. The sweep goes on with a forward that
 * breaks off.
 */
async function forwardApproved(env: Env, { id, repository, forwardId, approvals }: Approved): Promise<void> {
  const permission = await decidePermission(env, forwardId)
  const { agent, access } = (await accessOfPush(env.LEDGER, forwardId)) ?? {}
  if (permission.decision === 'refuse' || !agent || !access)
    return closePush(env.LEDGER, forwardId, {
      outcome: 'refused',
      refs: [],
      reason: permission.decision === 'refuse' ? permission.reason : 'its grant was removed',
    })
  await restorePack(env, access.repository, id)
  const passRequest = receivePackPass(forwardId, agent, access, { push: id, approvals })
  const answer = await askCompanion(env, repository, passRequest)
  await answer.body?.pipeTo(new WritableStream())
}

/** Forwards a push that has just been approved, as `forwardApproved`. Resolves after `ms` milliseconds at the latest. */
export async function beginForward(
  env: Env,
  id: string,
  ms: number,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<void> {
  const approved = await approvedPush(env.LEDGER, id)
  if (!approved) return
  const forwarding = forwardApproved(env, approved).catch(error =>
    logError({ push: approved.forwardId }, error),
  )
  waitUntil(forwarding)
  await withTimeout(ms, forwarding, undefined)
}

/** Lets the companion delete the objects of a rejected push where it needs room. */
export async function makeHeldPushDeletable(env: Env, repository: string, push: string): Promise<void> {
  const answer = await askCompanion(env, repository, { service: 'release-held-push', id: newId(), push })
  await answer.body?.cancel()
}

/**
 * Goes on with approved pushes whose forward broke off or failed by a fault of the gate, and expires approvals whose time
 * is over.
 */
export async function resumeApproved(env: Env): Promise<void> {
  await expireApprovals(env.LEDGER)
  const all = await approvedPushes(env.LEDGER)
  await Promise.all(
    all.map(each => resume(env, each).catch(error => logError({ push: each.forwardId }, error))),
  )
}

async function resume(env: Env, approved: Approved): Promise<void> {
  if (!approved.isOpen) {
    const next = await openNextForward(env.LEDGER, approved)
    if (next) await forwardApproved(env, next)
    return
  }
  const synced = await syncOutcome(env, { id: approved.forwardId, repository: approved.repository }, 0)
  if (synced === 'unknown') await forwardApproved(env, approved)
}
