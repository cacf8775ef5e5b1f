import type { Approval } from '../contract/admin-api/approvals.ts'
import { findApproval, noteReason } from '../ledger/approvals/approvals.ts'
import { requestException } from '../ledger/findings/request-exception.ts'
import type { Caller } from './caller.ts'

/** Returns the approval of a push of this agent. */
export async function approvalOf({ ledger, agent }: Caller, push: string): Promise<Approval | undefined> {
  const approval = await findApproval(ledger, push)
  return approval?.agent === agent ? approval : undefined
}

/** The instruction to the agent for each state. */
const NEXT: Readonly<Record<Approval['state'], string>> = {
  waiting: 'nothing to do: the gate forwards these commits itself once it is approved',
  approved: 'nothing to do: the gate is forwarding these commits',
  forwarded: 'upstream has it: fetch',
  rejected: 'change the commits as the reason says, and push again',
  failed: 'fetch, rebase where upstream has moved, and push again',
  expired: 'push again: the new push waits',
  replaced: 'a later push of the same commits waits in its place',
}

/** Formats an approval for its agent. */
export function formatApproval({ id, state, asks, needed, approvedBy, answer, expiresAt }: Approval): string {
  return [
    `approval of push ${id}: ${state}`,
    ...asks.map(ask => `needs an approval: ${ask}`),
    ...(state === 'waiting' ? [`${approvedBy.length} of ${needed} approvals, until ${expiresAt}`] : []),
    ...(answer ? [`the answer: ${answer}`] : []),
    NEXT[state],
  ].join('\n')
}

/** Describes the state of a push that waited for an approval. */
export async function approvalStatus(caller: Caller, { push }: { push: string }): Promise<string> {
  const approval = await approvalOf(caller, push)
  return approval
    ? formatApproval(approval)
    : `${caller.agent} has no push ${push} that waits for an approval`
}

/** Adds the agent's reason to a waiting push. A push waits by its grant, not by this request. */
export async function requestApproval(
  caller: Caller,
  { push, reason }: { push: string; reason: string },
): Promise<string> {
  const { ledger, agent } = caller
  if (await noteReason(ledger, { agent, id: push, reason }))
    return 'the operators see the reason beside the push; nothing else to do: the gate forwards it once it is approved'
  return approvalStatus(caller, { push })
}

/** Asks the operators to let a finding of a refused push pass. */
export async function askForException(
  { ledger, agent }: Caller,
  wanted: { repository: string; fingerprint: string; reason: string },
): Promise<string> {
  if (await requestException(ledger, { agent, ...wanted }))
    return 'the operators see your request; finding_status returns their decision; push again once the finding is allowed'
  return `${agent} has no refused push to ${wanted.repository} with the finding ${wanted.fingerprint}`
}
