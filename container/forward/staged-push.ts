import type { Duplex } from 'node:stream'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { type Command, isCreate, isDelete } from '../git/command-list.ts'
import type { Git } from '../git/git.ts'
import { FORWARD_HOOKS } from '../git/git-config.ts'
import type { ProcessResult } from '../process/spawn.ts'
import type { LinkLease } from '../upstream/link.ts'
import { HELD_MS } from './upstream-session.ts'

/** Timeout for git to disconnect by itself after `drop`, in milliseconds. Then it is killed. */
const DROP_MS = 2_000

/** Git's porcelain line for a ref that upstream rejected, or that git rejected because of upstream's refs. */
const UPSTREAM_ANSWERED = /^!\t\S+\t\[(?:remote )?rejected\]/m

/** A `git push` that has connected to upstream, has read its refs, and waits to be told to send. */
export interface StagedPush {
  /** Returns false if git has exited or the connection was held for too long. */
  isReady(): boolean
  /**
   * Lets git send, and returns its process group's id. `ended` rejects with the deadline's reason if git
   * exceeds it. `hasBegun` is false if git ended before it could send anything.
   */
  send(deadline: AbortSignal): { pid: number; ended: Promise<ProcessResult>; hasBegun(): boolean }
  /** Ends git without sending, if it still waits. */
  abort(): void
}

/**
 * Starts `git push` to upstream's URL. Each ref is leased on the value that the agent saw, so upstream
 * replaces exactly that value (git-push(1), --force-with-lease). Several refs are pushed atomically. Git
 * stops in its pre-push hook, so the connection is made while the push is still being checked.
 */
export function stagePush(
  git: Git,
  lease: LinkLease,
  upstream: Upstream,
  commands: readonly Command[],
  pushOptions: readonly string[],
  onStderr: (chunk: Buffer) => void,
): StagedPush {
  const heldAt = performance.now()
  const stop = new AbortController()
  let pid = -1
  let channel: Duplex | undefined
  let isOver = false
  let isSent = false
  let hasBegun = false
  let abortTimer: NodeJS.Timeout | undefined
  const finish = (options: { broken: boolean }) => {
    isOver = true
    clearTimeout(abortTimer)
    lease.release(options)
  }
  const ended = git.run(argumentsOf(upstream, commands, pushOptions), {
    signal: stop.signal,
    ...lease.git,
    onStderr,
    onStart: id => {
      pid = id
    },
    onFd3: socket => {
      channel = socket
      socket.once('data', () => {
        hasBegun = true
      })
    },
  })
  // send() returns `ended`, and its caller handles the rejection. A push that is dropped ignores it.
  ended.then(
    push =>
      finish({ broken: isSent && push.code !== 0 && !UPSTREAM_ANSWERED.test(push.stdout.toString('utf8')) }),
    () => finish({ broken: true }),
  )
  return {
    isReady: () => !isOver && performance.now() - heldAt < HELD_MS,
    send(deadline) {
      deadline.addEventListener('abort', () => stop.abort(deadline.reason), { once: true })
      isSent = true
      channel?.write('send\n')
      return { pid, ended, hasBegun: () => hasBegun }
    },
    abort() {
      if (isOver) return
      channel?.write('drop\n')
      abortTimer = setTimeout(() => stop.abort(new Error('the push was not sent')), DROP_MS)
    },
  }
}

const argumentsOf = ({ url }: Upstream, commands: readonly Command[], pushOptions: readonly string[]) => [
  ...['-c', `core.hooksPath=${FORWARD_HOOKS}`],
  // A hook at upstream may be silent for long. The push has a deadline of its own.
  ...['-c', 'http.lowSpeedLimit=0'],
  ...['push', '--porcelain', '--no-progress'],
  ...(commands.length > 1 ? ['--atomic'] : []),
  ...commands.map(c => `--force-with-lease=${c.ref}:${isCreate(c) ? '' : c.old}`),
  ...pushOptions.map(option => `--push-option=${option}`),
  url,
  ...commands.map(c => (isDelete(c) ? `:${c.ref}` : `${c.new}:${c.ref}`)),
]
