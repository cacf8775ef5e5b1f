import type { Duplex } from 'node:stream'
import { ZERO_ID } from '../../src/contract/names.ts'
import type { Upstream } from '../../src/contract/pass.ts'
import { type Command, isDelete } from '../git/command-list.ts'
import type { Git } from '../git/git.ts'
import { FORWARD_HOOKS } from '../git/git-config.ts'
import type { ProcessResult } from '../process/spawn.ts'
import type { LinkLease } from '../upstream/ssh-link.ts'

/** How long a push may be held, in milliseconds: some hosts end a session that says nothing for long. */
const HELD_MS = 10_000

/** A push that is told to go without sending takes leave of upstream by itself, within this, in milliseconds. */
const DROP_MS = 2_000

/** Git's line for a ref that upstream, or git on what upstream said, has refused. */
const UPSTREAM_ANSWERED = /^!\t\S+\t\[(?:remote )?rejected\]/m

/** A `git push` to upstream that has made its connection and read upstream's refs, and waits for the word to send. */
export interface HeldPush {
  /** Can it still be sent? Not when it has ended, or was held for too long. */
  isReady(): boolean
  /** Tells its process group's id, and lets it send. Its end comes within the deadline, or rejects with its reason. */
  send(deadline: AbortSignal): { pid: number; ended: Promise<ProcessResult> }
  /** Ends it, if it has not ended; nothing is sent that has not been. */
  drop(): void
}

/**
 * Starts a push to the upstream's URL, each ref leased on the value the agent saw, so that upstream compares and
 * swaps exactly what was asked (git-push(1), --force-with-lease); several refs atomically. Git stops in its pre-push
 * hook, so all that the connection takes can pass while the push is still being checked.
 */
export function stagePush(
  git: Git,
  borrowed: LinkLease,
  upstream: Upstream,
  commands: readonly Command[],
  pushOptions: readonly string[],
  onStderr: (chunk: Buffer) => void,
): HeldPush {
  const heldAt = performance.now()
  const stop = new AbortController()
  let pid = -1
  let channel: Duplex | undefined
  let isOver = false
  let isSent = false
  let abortTimer: NodeJS.Timeout | undefined
  const finish = (how: { cut: boolean }) => {
    isOver = true
    clearTimeout(abortTimer)
    borrowed.release(how)
  }
  const ended = git.run(
    [
      ...['-c', `core.hooksPath=${FORWARD_HOOKS}`],
      'push',
      '--porcelain',
      '--no-progress',
      ...(commands.length > 1 ? ['--atomic'] : []),
      ...commands.map(c => `--force-with-lease=${c.ref}:${c.old === ZERO_ID ? '' : c.old}`),
      ...pushOptions.map(option => `--push-option=${option}`),
      upstream.url,
      ...commands.map(c => (isDelete(c) ? `:${c.ref}` : `${c.new}:${c.ref}`)),
    ],
    {
      signal: stop.signal,
      env: borrowed.env,
      onStderr,
      onStart: id => {
        pid = id
      },
      onFd3: socket => {
        channel = socket
      },
    },
  )
  // Whoever sends it hears of its end; nobody has to.
  ended.then(
    push =>
      finish({ cut: isSent && push.code !== 0 && !UPSTREAM_ANSWERED.test(push.stdout.toString('utf8')) }),
    () => finish({ cut: true }),
  )
  return {
    isReady: () => !isOver && performance.now() - heldAt < HELD_MS,
    send(deadline) {
      deadline.addEventListener('abort', () => stop.abort(deadline.reason), { once: true })
      isSent = true
      channel?.write('send\n')
      return { pid, ended }
    },
    drop() {
      if (isOver) return
      channel?.write('drop\n')
      abortTimer = setTimeout(() => stop.abort(new Error('the push was not sent')), DROP_MS)
    },
  }
}
