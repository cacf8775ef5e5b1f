import { createHash } from 'node:crypto'
import type { KnownApproval } from '../../src/contract/approval.ts'
import type { Permission } from '../../src/contract/companion-api/push-event.ts'
import type { GrantTerms } from '../../src/contract/grant.ts'
import { isReviewRef } from '../../src/contract/names.ts'
import { type Ask, asksOf, disputedFindings, type IncomingPush } from '../checks/index.ts'
import { queryPushStateOnce } from '../forward/query-upstream.ts'
import { MOVED_SO_REBASE, PUSH_AGAIN } from '../git/clone-commands.ts'
import { type Command, printable } from '../git/command-list.ts'
import type { PushWork } from './push-work.ts'
import { accepted, failed, pushRefusal, refused, type Verdict } from './verdict.ts'

/** A checked push, and what decides whether it waits for an approval. */
export interface Checked {
  readonly push: IncomingPush
  readonly permission: Extract<Permission, { decision: 'forward' }>
  /** The checks refuse the push for nothing but findings that an approval can let pass. */
  readonly isDisputed: boolean
  /** Keeps the objects of the push. Returns false if there is no room. */
  readonly hold: () => Promise<boolean>
  readonly signal: AbortSignal
}

/**
 * Returns the verdict on a push that waits for an approval, or undefined if it needs none or has it. Every other
 * check has passed before, and upstream still has the old values.
 */
export async function judgeApproval(work: PushWork, checked: Checked): Promise<Verdict | undefined> {
  const { permission, isDisputed, signal } = checked
  const push = withTerms(checked.push, permission.terms)
  const { commands, pass } = push
  const disputed = isDisputed ? disputedFindings(push) : undefined
  if (isDisputed && !disputed)
    return refused(commands, [pushRefusal('its grant was changed during the push', [PUSH_AGAIN])])
  const asks: Ask[] = await asksOf(push, { maxBlobBytes: work.services.settings.maxBlobBytes }, signal)
  if (disputed) asks.push(disputed)
  if (asks.length === 0) return undefined
  const needed = Math.max(...asks.map(({ approvals }) => approvals))
  if (pass.approved)
    return pass.approved.approvals >= needed
      ? undefined
      : refused(commands, [pushRefusal(`its grant now asks for ${needed} approvals`, [PUSH_AGAIN])])
  const ended = await judgeUpstream(work, commands)
  if (ended) return ended
  const change = changeOf(commands)
  const existing = permission.approvals.find(each => each.change === change)
  if (
    existing &&
    (existing.state !== 'waiting' || existing.isKept || (await work.services.held.find(existing.id)))
  )
    return refused(commands, [knownRefusal(existing, permission.approvalPage.replace(pass.id, existing.id))])
  if (!(await checked.hold()))
    return failed(commands, 'it needs an approval, and the gate has no room to keep more pushes that wait', [
      'Nothing you can do: tell the operator, who decides on those that wait.',
    ])
  const until = Date.now() + work.services.settings.held.keepMs
  const reasons = asks.map(({ reason }) => reason)
  work.recorder.approval = { change, asks: reasons, needed, findings: disputed !== undefined, until }
  return refused(commands, [waitingRefusal(pass.id, reasons, needed, permission.approvalPage, until)])
}

/** Returns the push under its current terms. The checks' results hang on the object, so equal terms keep it. */
const withTerms = (push: IncomingPush, terms: GrantTerms): IncomingPush =>
  JSON.stringify(push.pass.terms) === JSON.stringify(terms)
    ? push
    : { ...push, pass: { ...push.pass, terms } }

/** Identifies a change by its refs, their old and their new ids. */
const changeOf = (commands: readonly Command[]): string =>
  createHash('sha256')
    .update(
      commands
        .map(({ old, new: id, ref }) => `${old} ${id} ${ref}`)
        .sort()
        .join('\n'),
    )
    .digest('hex')
    .slice(0, 32)

/** Ends a push that upstream could not take any more, or has already. */
async function judgeUpstream(
  { mirror, linkTo, pass }: PushWork,
  commands: readonly Command[],
): Promise<Verdict | undefined> {
  // A host shows no ref of a proposal.
  if (commands.some(({ ref }) => isReviewRef(ref))) return undefined
  const upstreamState = await queryPushStateOnce(mirror.git, await linkTo(), pass.repository, commands)
  if (upstreamState === 'not-applied') return undefined
  if (upstreamState === 'applied') return accepted(commands)
  if (upstreamState === 'unknown') return failed(commands, 'the upstream does not answer')
  mirror.expire()
  return refused(commands, [pushRefusal(MOVED_SO_REBASE)])
}

const PUSH_AGAIN_ADVICE = 'Push the same commits again, without a change, to see the state of the approval.'

function waitingRefusal(id: string, asks: readonly string[], needed: number, page: string, until: number) {
  return pushRefusal(
    `waits for an approval: push ${id}`,
    [
      'Nothing to do: a person decides, and then the gate forwards these commits itself. Do not change them, and do not push them elsewhere.',
      `It waits until ${new Date(until).toISOString()}. The decision is made at ${page}`,
      PUSH_AGAIN_ADVICE,
    ],
    [
      ...asks.map(ask => `needs an approval: ${ask}`),
      ...(needed > 1 ? [`${needed} people have to approve`] : []),
    ],
  )
}

function knownRefusal({ id, state, answer }: KnownApproval, page: string) {
  if (state === 'rejected')
    return pushRefusal(
      `rejected by an operator: push ${id}`,
      ['These commits will not be forwarded. Change them as the reason says, and push again.'],
      [answer ? `the reason: ${printable(answer)}` : 'no reason was given'],
    )
  return pushRefusal(
    state === 'approved'
      ? `approved, and being forwarded: push ${id}`
      : `still waits for an approval: push ${id}`,
    [
      'Nothing to do: the gate forwards these commits itself.',
      `The decision is made at ${page}`,
      PUSH_AGAIN_ADVICE,
    ],
  )
}
