import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { NEXT_STEP } from '../../src/contract/outcome.ts'
import { MOVED_SO_REBASE, rebaseOntoUpstream, THEN_PUSH_AGAIN } from '../git/clone-commands.ts'
import { type Command, isDelete, printable } from '../git/command-list.ts'
import type { Git } from '../git/git.ts'
import { notAlone, type RefStatus, statusForAll } from '../git/report-status.ts'
import type { FirstLines } from '../process/bounded-lines.ts'
import type { ProcessResult } from '../process/spawn.ts'
import type { Link } from '../upstream/link.ts'
import { toUpstreamError } from '../upstream/to-upstream-error.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { isAt, queryPushState, readUpstreamRefs, stateOf } from './query-upstream.ts'

/** Result of a forward, as upstream reported it or as a later query found it. */
export interface ForwardResult {
  readonly outcome: 'accepted' | 'refused' | 'failed'
  readonly refs: readonly RefStatus[]
  /** Reason for the agent; empty if upstream accepted the push. */
  readonly reason: string
  /** Instructions for the agent. */
  readonly remedy: readonly string[]
  readonly upstreamOutput: string
  /** Upstream had the same change before, for example from a push whose client was stopped. */
  readonly wasApplied?: boolean
}

/** A push that is being sent, and the means to ask upstream about it. */
export interface PushInFlight {
  readonly ended: Promise<ProcessResult>
  /** False: nothing was sent. */
  readonly hasBegun: () => boolean
  readonly deadline: AbortSignal
  readonly deadlineMs: number
  readonly git: Git
  readonly link: Link
  readonly upstream: Upstream
  readonly commands: readonly Command[]
  /** Upstream's output, line by line. */
  readonly upstreamLines: FirstLines
}

/** Interprets how `git push --porcelain` ended, or an answer in the same form. */
export async function interpretResult(push: PushInFlight): Promise<ForwardResult> {
  const { git, link, upstream, commands, upstreamLines, deadline, deadlineMs } = push
  let ended: ProcessResult
  try {
    ended = await push.ended
  } catch (error) {
    if (!deadline.aborted) throw error
    const late = new UpstreamError(`the upstream did not answer within ${deadlineMs / 1000} s`)
    return resolveByQuery(push, late)
  }
  const porcelain = readPorcelain(ended.stdout.toString('utf8'))
  const summaryOf = ({ ref }: Command) => porcelain.get(ref)?.summary ?? ''
  if (ended.code === 0)
    return accepted(
      push,
      commands.every(({ ref }) => porcelain.get(ref)?.flag === '='),
    )
  const refusedRefs = commands.filter(({ ref }) => porcelain.get(ref)?.flag === '!')
  if (refusedRefs.length === 0 && !push.hasBegun()) {
    const reason = toUpstreamError(upstream, ended.stderr).message
    const refs = statusForAll(commands, reason)
    return { outcome: 'failed', refs, reason, remedy: [], upstreamOutput: upstreamLines.all.join('\n') }
  }
  // A connection that broke after upstream had accepted the push leaves no report, so upstream's refs are read.
  if (refusedRefs.length === 0 || refusedRefs.some(command => NO_REPORT.test(summaryOf(command))))
    return resolveByQuery(push, toUpstreamError(upstream, ended.stderr))
  const summaries = new Map(refusedRefs.map(command => [command, summaryOf(command)]))
  const isDisputed = summaries.values().some(summary => OTHER_VALUE.test(summary))
  const upstreamRefs = isDisputed ? await readUpstreamRefs(git, link, upstream, commands) : undefined
  if (!upstreamRefs) return refusedByUpstream(push, summaries)
  if (stateOf(commands, upstreamRefs) === 'applied') return accepted(push, true)
  return refusedByUpstream(push, inWordsOfGit(summaries, upstreamRefs))
}

/**
 * Replaces the words of a git-receive-pack for a ref that has moved since it listed its refs: they name a lock or a
 * transaction, and name it for all refs of an atomic push.
 */
function inWordsOfGit(
  summaries: ReadonlyMap<Command, string>,
  upstreamRefs: ReadonlyMap<string, string>,
): ReadonlyMap<Command, string> {
  const hasMoved = ({ ref, old }: Command) => !isAt(upstreamRefs, ref, old)
  if (!summaries.keys().some(hasMoved)) return summaries
  return new Map(
    [...summaries].map(([command, summary]) => {
      if (!OTHER_VALUE.test(summary)) return [command, summary]
      return [command, hasMoved(command) ? STALE_INFO : ATOMIC_FAILURE]
    }),
  )
}

/** git's summaries for a ref at another value than its lease names, and for the other refs of its push. */
const STALE_INFO = '[rejected] (stale info)'
const ATOMIC_FAILURE = '[remote rejected] (atomic push failure)'

const accepted = ({ commands, upstreamLines }: PushInFlight, wasApplied: boolean): ForwardResult => ({
  outcome: 'accepted',
  refs: statusForAll(commands, '', 'ok'),
  reason: '',
  remedy: [],
  upstreamOutput: upstreamLines.all.join('\n'),
  wasApplied,
})

/** Returns the result of a push that upstream has refused, by git's summary for each refused ref. */
function refusedByUpstream(
  { commands, upstream, upstreamLines }: PushInFlight,
  summaries: ReadonlyMap<Command, string>,
): ForwardResult {
  const causes = new Map(
    [...summaries]
      .filter(([, summary]) => !isAtomicCollateral(summary))
      .map(([{ ref }, summary]) => [ref, upstreamReason(summary)]),
  )
  const [[culpritRef, culpritReason] = ['', 'upstream refused']] = causes
  const culprit = { ref: culpritRef, reason: culpritReason }
  const refs = commands.map(({ ref }): RefStatus => {
    const reason = causes.get(ref) ?? notAlone(culprit, ' by upstream')
    return { ref, status: 'ng', reason }
  })
  const stale = commands.filter(command => causes.get(command.ref) === MOVED_SO_REBASE && !isDelete(command))
  const remedy = stale.map(command => `  ${rebaseOntoUpstream(upstream.name, command)}`)
  return {
    outcome: 'refused',
    refs,
    reason: culpritReason,
    remedy: remedy.length ? [...remedy, THEN_PUSH_AGAIN] : [UPSTREAMS_OWN_RULE],
    upstreamOutput: upstreamLines.all.join('\n'),
  }
}

/** Determines the result of a push whose report was lost from upstream's refs. */
async function resolveByQuery(
  push: PushInFlight,
  { message, problem, fix }: UpstreamError,
): Promise<ForwardResult> {
  const { git, link, upstream, commands, upstreamLines } = push
  const upstreamState = await queryPushState(git, link, upstream, commands)
  // Git sends nothing when a ref to delete is not there.
  if (upstreamState === 'applied') return accepted(push, /remote ref does not exist/.test(message))
  return {
    outcome: 'failed',
    refs: statusForAll(commands, problem),
    // Another attempt does not help where an operator has to change something first.
    reason: fix && upstreamState === 'not-applied' ? message : `${message}; ${NEXT_STEP[upstreamState]}`,
    remedy: [],
    upstreamOutput: upstreamLines.all.join('\n'),
  }
}

/** Parses `<flag>\t<from>:<to>\t<summary>` lines (git-push(1), "OUTPUT"), by the name of the remote ref. */
function readPorcelain(text: string): Map<string, { flag: string; summary: string }> {
  const refs = new Map<string, { flag: string; summary: string }>()
  for (const line of text.split('\n')) {
    const [flag, names, summary] = line.split('\t')
    if (flag === undefined || names === undefined || summary === undefined) continue
    refs.set(names.slice(names.lastIndexOf(':') + 1), { flag, summary })
  }
  return refs
}

/** The summaries of git for a ref that upstream's report lacks. */
const NO_REPORT = /remote failed to report|failed to report status/

/** Reasons of upstreams and of git for a ref whose old value is another one than the push names. */
const OTHER_VALUE =
  /stale info|fetch first|non-fast-forward|cannot lock ref|failed to (lock|update ref)|incorrect old value|atomic transaction failed|already exists|does not exist/

/** Recognizes git's summary for a ref that was rejected only because another ref of the atomic push was. */
const isAtomicCollateral = (summary: string) => /\(atomic push fail(ed|ure)\)\s*$/.test(summary)

const UPSTREAMS_OWN_RULE =
  'That is a rule of the upstream, not of the gate: its own words above say which. Where they name no way, nothing you can do: tell the operator.'

/**
 * Extracts upstream's reason, which git prints in parentheses after the summary: `[remote rejected] (hook
 * declined)`.
 */
function upstreamReason(summary: string): string {
  if (/^\[rejected\] \((stale info|fetch first|non-fast-forward)\)/.test(summary)) return MOVED_SO_REBASE
  const trimmed = summary.trimEnd()
  const open = trimmed.indexOf('(')
  const words = open >= 0 && trimmed.endsWith(')') ? trimmed.slice(open + 1, -1) : summary
  return `upstream refused: ${printable(words)}`
}
