import { logError } from '../../common/log.ts'
import { settingsOf } from '../../common/settings.ts'
import { withTimeout } from '../../common/with-timeout.ts'
import type { Upstream } from '../../contract/companion-api/pass.ts'
import { NEXT_STEP, PushReport, RecoveredOutcome } from '../../contract/outcome.ts'
import { REDACTED } from '../../contract/text/unscanned-text.ts'
import { findUpstream } from '../../ledger/access/repositories.ts'
import { newId } from '../../ledger/id.ts'
import {
  closePush,
  type OpenPush,
  openPushes,
  recordPullRequest,
  recordReport,
} from '../../ledger/pushes/write-pushes.ts'
import { askCompanion } from '../ask-companion.ts'
import type { PassRequest } from '../pass.ts'

type Settling = Pick<OpenPush, 'id' | 'repository'>

/** Timeout of the companion's response, in milliseconds, added to the time that the companion may wait. */
const ANSWER_TIMEOUT_MS = 2_000

/** Timeout of a query to upstream, in milliseconds. It includes the time to connect. */
const UPSTREAM_MS = 60_000

/**
 * Asks the companion for the report of a push whose response broke off, and records it. If the push is still
 * running, the companion waits `wait` seconds at most for its end. A failure is left to the next sweep.
 */
export async function syncOutcome(
  env: Env,
  push: Settling,
  wait: number,
): Promise<'recorded' | 'unknown' | 'unreachable' | 'unrecorded'> {
  const passRequest = { service: 'push-report', id: newId(), push: push.id, wait } as const
  const answer = await askWithTimeout(env, push.repository, passRequest, wait * 1000 + ANSWER_TIMEOUT_MS)
  if (answer?.status === 404) return 'unknown'
  if (!answer?.ok) return 'unreachable'
  try {
    const report = PushReport.parse(answer.body)
    await recordReport(env.LEDGER, report)
    // The row of an ended push stays as it is, and the host can have answered since.
    if (report.pullRequest) await recordPullRequest(env.LEDGER, push.id, report)
    return 'recorded'
  } catch (error) {
    logError({ push: push.id }, error)
    return 'unrecorded'
  }
}

/**
 * Settles the pushes that the ledger has open. It asks the companion, or upstream if the companion does not
 * know the push.
 */
export async function sweep(env: Env): Promise<void> {
  const now = Date.now()
  const lostBefore = now - settingsOf(env).GATE_OPEN_PUSH_TIMEOUT_SECONDS * 1000
  const byRepository = Map.groupBy(await openPushes(env.LEDGER, now - 2_000), push => push.repository)
  await Promise.all([...byRepository.values()].map(pushes => sweepOne(env, pushes, lostBefore)))
}

/** Limit of concurrent requests per repository: a push that needs a query to upstream takes seconds. */
const MAX_CONCURRENT = 5

/** Settles the open pushes of one repository. It stops when the companion cannot be reached. */
async function sweepOne(env: Env, pushes: readonly OpenPush[], lostBefore: number): Promise<void> {
  const remaining = [...pushes]
  const next = async () => {
    for (let push = remaining.shift(); push; push = remaining.shift()) {
      const state = await syncOutcome(env, push, 0)
      if (state === 'unreachable') remaining.length = 0
      if (state === 'unknown' && push.startedAt < lostBefore)
        await settleWithoutRecord(env, push).catch(error => logError({ push: push.id }, error))
    }
  }
  await Promise.all(Array.from({ length: MAX_CONCURRENT }, next))
}

const NO_RECORD = 'the companion has no record of this push: it never got there, or its disk was lost'

/**
 * Settles a push of which the companion has no record. If its refs are known it may have reached upstream, so
 * upstream's refs determine the outcome.
 */
async function settleWithoutRecord(env: Env, push: OpenPush): Promise<void> {
  const upstream = push.refs.length ? await findUpstream(env.LEDGER, push.repository) : undefined
  if (!upstream)
    return closePush(env.LEDGER, push.id, { outcome: 'failed', refs: push.refs, reason: NO_RECORD })
  // Before the forward, a ref name that may contain a secret is recorded redacted, and upstream cannot be
  // asked for it.
  if (push.refs.some(({ ref }) => ref.includes(REDACTED)))
    return closePush(env.LEDGER, push.id, {
      outcome: 'failed',
      refs: push.refs,
      reason: `${NO_RECORD}; upstream: ${NEXT_STEP.unknown}`,
    })
  const settlement = await queryUpstream(env, push, upstream)
  if (!settlement) return
  if ('report' in settlement) return recordReport(env.LEDGER, settlement.report)
  const { upstreamState } = settlement
  const isApplied = upstreamState === 'applied'
  const problem = isApplied
    ? `${NO_RECORD}; upstream has it`
    : `${NO_RECORD}; upstream: ${NEXT_STEP[upstreamState]}`
  const reason = isApplied ? '' : `git-gate: ${problem}`
  const refs = push.refs.map(ref => ({
    ...ref,
    status: isApplied ? ('ok' as const) : ('ng' as const),
    reason,
  }))
  await closePush(env.LEDGER, push.id, { outcome: isApplied ? 'accepted' : 'failed', refs, reason: problem })
}

async function queryUpstream(
  env: Env,
  push: OpenPush,
  upstream: Upstream,
): Promise<RecoveredOutcome | undefined> {
  const passRequest = {
    service: 'recover-outcome',
    id: newId(),
    push: push.id,
    repository: upstream,
  } as const
  const answer = await askWithTimeout(
    env,
    push.repository,
    passRequest,
    UPSTREAM_MS,
    JSON.stringify(push.refs),
  )
  return answer?.ok ? RecoveredOutcome.safeParse(answer.body).data : undefined
}

/** Returns the companion's complete response, or undefined if it does not arrive within `ms` milliseconds. */
async function askWithTimeout(
  env: Env,
  repository: string,
  passRequest: PassRequest,
  ms: number,
  body: string | null = null,
): Promise<{ status: number; ok: boolean; body: unknown } | undefined> {
  const whole = async () => {
    const answer = await askCompanion(env, repository, passRequest, { body, signal: AbortSignal.timeout(ms) })
    return { status: answer.status, ok: answer.ok, body: await answer.json().catch(() => undefined) }
  }
  // A container that is starting does not receive the abort, so the timeout is applied here, too.
  return withTimeout(
    ms,
    whole().catch(() => undefined),
    undefined,
  )
}
