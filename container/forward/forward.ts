import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import type { Command } from '../git/command-list.ts'
import type { Git } from '../git/git.ts'
import { gateLine, statusForAll } from '../git/report-status.ts'
import { boundedLines, type FirstLines } from '../process/bounded-lines.ts'
import { withAbort } from '../process/with-abort.ts'
import type { Link } from '../upstream/link.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { type ForwardResult, interpretResult, type PushInFlight } from './interpret-result.ts'
import { receivedPack } from './received-pack.ts'
import { lacksObjects, sendPush } from './send-push.ts'
import { stagePush } from './staged-push.ts'
import { readRemoteLines } from './upstream-lines.ts'
import type { UpstreamSession } from './upstream-session.ts'

/** Forward of one push to upstream. */
export interface Forward {
  /**
   * Sends the push and returns upstream's answer. A client that disconnects does not end it; only the timeout
   * does. `onStart` receives the id of the process group that sends it.
   */
  send(onStart: (pid: number) => void): Promise<ForwardResult>
  /** Closes the prepared connection. A push that has been sent is not affected. */
  abort(): void
}

/**
 * Limit of upstream's output that is relayed to the client, in characters. A slow client takes less than
 * upstream can send, and the rest waits in memory.
 */
const MAX_RELAYED_CHARACTERS = 16 << 20

/** Limit of upstream's output that is kept on record. */
const MAX_UPSTREAM_LINES = { bytes: 128 << 10, lines: 1_000 }

/** The inputs of a forward. */
export interface ForwardOptions {
  /** Git on the mirror and the push's quarantine. */
  readonly git: Git
  readonly linkTo: () => Promise<Link>
  readonly upstream: Upstream
  /** The session with upstream that was opened for this push. */
  readonly session: UpstreamSession
  readonly commands: readonly Command[]
  readonly pushOptions: readonly string[]
  /** Sends the client a line. */
  readonly sendLine: (line: string) => void
  readonly deadlineMs: number
}

/**
 * Prepares a push to upstream while it is still being checked. The received pack is sent over the open session. Without
 * a session, or if upstream needs another pack, `git push` sends the push. A failure of the early connection is ignored:
 * send() reconnects if the connection is not ready.
 */
export function startForward(options: ForwardOptions): Forward {
  const { git, linkTo, upstream, session, commands, pushOptions, sendLine, deadlineMs } = options
  const upstreamLines = boundedLines(MAX_UPSTREAM_LINES)
  const relay = relayTo(sendLine, upstreamLines)
  const stage = async (signal: AbortSignal) => {
    const lease = await (await linkTo()).acquire(signal)
    return stagePush(git, lease, upstream, commands, pushOptions, readRemoteLines(relay).push)
  }
  const dropped = new AbortController()
  const prewarm = async () => ((await session.isUsable()) ? undefined : stage(dropped.signal))
  const prewarmed = prewarm().catch(() => undefined)
  const abort = () => {
    session.abort()
    dropped.abort(new Error('the push was not sent'))
    prewarmed.then(staged => staged?.abort())
  }
  const sendOverSession = async (deadline: AbortSignal, onStart: (pid: number) => void) => {
    const openPack = await receivedPack(git, commands).catch(() => undefined)
    const open = openPack && (await session.acquire(deadline))
    if (!open) return undefined
    const sent = sendPush(open, commands, pushOptions, openPack, relay, deadline)
    onStart(sent.pid)
    const lacking = await sent.ended.then(lacksObjects, () => false)
    return lacking ? undefined : { ended: sent.ended, hasBegun: () => true }
  }
  const sendByGit = async (deadline: AbortSignal, onStart: (pid: number) => void) => {
    let staged = await withAbort(prewarmed, deadline)
    if (!staged?.isReady()) {
      staged?.abort()
      staged = await stage(deadline)
    }
    const sent = staged.send(deadline)
    onStart(sent.pid)
    return sent
  }
  return {
    abort,
    async send(onStart) {
      const deadline = AbortSignal.timeout(deadlineMs)
      let sent: Pick<PushInFlight, 'ended' | 'hasBegun'>
      try {
        sent = (await sendOverSession(deadline, onStart)) ?? (await sendByGit(deadline, onStart))
      } catch (error) {
        const refs = statusForAll(commands, 'the upstream could not be reached')
        return {
          outcome: 'failed',
          refs,
          reason: errorMessage(error, deadlineMs),
          remedy: [],
          upstreamOutput: '',
        }
      }
      const { ended, hasBegun } = sent
      const link = await linkTo()
      return interpretResult({
        ended,
        hasBegun,
        deadline,
        deadlineMs,
        git,
        link,
        upstream,
        commands,
        upstreamLines,
      })
    },
  }
}

/** Returns a function that relays lines of upstream's output to the client, and keeps them on record. */
function relayTo(sendLine: (line: string) => void, upstreamLines: FirstLines): (line: string) => void {
  let remainingCharacters = MAX_RELAYED_CHARACTERS
  return line => {
    upstreamLines.add(line)
    if (remainingCharacters <= 0) return
    remainingCharacters -= line.length
    sendLine(
      remainingCharacters > 0 ? `upstream: ${line}` : gateLine('upstream says more, which is left out'),
    )
  }
}

function errorMessage(error: unknown, deadlineMs: number): string {
  return error instanceof UpstreamError
    ? error.message
    : `the upstream did not answer within ${deadlineMs / 1000} s`
}
