import { join, resolve } from 'node:path'
import type { PushClient } from '../../client/push-client.ts'
import type { CommandList } from '../../git/command-list.ts'
import type { Backend } from '../../git/http-backend.ts'
import type { Mirror } from '../../mirror/mirror.ts'
import { quarantineDirsOf } from '../../process/orphans.ts'
import { killGroup } from '../../process/spawn.ts'
import type { Settings } from '../../settings.ts'
import type { PushStateMachine } from '../push-state.ts'

/** A push that git receives, and its limits. */
interface LimitedPush {
  readonly client: Pick<PushClient, 'enterPhase'>
  readonly mirror: Mirror
  readonly list: Pick<CommandList, 'capabilities'>
  readonly state: Pick<PushStateMachine, 'current'>
  readonly settings: Pick<Settings, 'gitIdleMs' | 'checkMs'>
}

/** The timers of one git, and how it ended. */
export interface GitLimits {
  readonly isTooSlow: boolean
  readonly wasKilled: boolean
  /** True if git ended by itself, with its files deleted. */
  readonly isTidy: boolean
  /** Quarantine folders of a git that was killed. */
  readonly quarantines: readonly string[]
  readonly hasExited: boolean
  kill(): void
  killAfter(ms: number): void
  onPacket(isKeepalive: boolean): void
  inputEnded(): void
  packIsUnpacked(): void
  markExited(): void
  /** Git has left files behind although it was not killed here. */
  markUntidy(): void
  clear(): void
}

/** Creates the timers that kill git's process group when it exceeds a limit. */
export function limitGit(
  backend: Backend,
  { client, mirror, list, state, settings }: LimitedPush,
): GitLimits {
  let inputEnded = false
  let hasExited = false
  let isTidy = true
  let isTooSlow = false
  let wasKilled = false
  let quarantines: readonly string[] = []
  let killTimer: NodeJS.Timeout | undefined
  let unpackTimer: NodeJS.Timeout | undefined
  return {
    get hasExited() {
      return hasExited
    },
    get isTidy() {
      return isTidy
    },
    get isTooSlow() {
      return isTooSlow
    },
    get wasKilled() {
      return wasKilled
    },
    get quarantines() {
      return quarantines
    },
    kill,
    killAfter,
    onPacket(isKeepalive) {
      if (isReceiving()) client.enterPhase('working')
      if (isKeepalive) startUnpackDeadline()
      expectPacket()
    },
    inputEnded() {
      inputEnded = true
      startUnpackDeadline()
      expectPacket()
    },
    packIsUnpacked() {
      clearTimeout(unpackTimer)
      if (state.current !== 'abandoned') clearTimeout(killTimer)
    },
    markExited() {
      hasExited = true
    },
    markUntidy() {
      isTidy = false
    },
    clear() {
      clearTimeout(killTimer)
      clearTimeout(unpackTimer)
    },
  }

  function isReceiving(): boolean {
    return state.current === 'receiving' && !hasExited
  }
  function kill(): void {
    quarantines = quarantinesIn(mirror, backend.child.pid ?? 0)
    wasKilled = true
    isTidy = false
    killGroup(backend.child)
  }
  function killAfter(ms: number): void {
    clearTimeout(killTimer)
    killTimer = setTimeout(kill, ms)
  }
  /**
   * Kills git when it is idle after its input has ended. Git sends a keepalive over the side band every few
   * seconds while it works on a pack (receive.keepAlive).
   */
  function expectPacket(): void {
    if (inputEnded && isReceiving() && list.capabilities.has('side-band-64k')) killAfter(settings.gitIdleMs)
  }
  /** Limits git's work on a complete pack: keepalives prove that git is alive, not that it makes progress. */
  function startUnpackDeadline(): void {
    if (!isReceiving()) return
    unpackTimer ??= setTimeout(() => {
      isTooSlow = true
      kill()
    }, settings.checkMs)
  }
}

/**
 * Lists the quarantines of a git process group that is about to be killed: a killed git does not delete them.
 */
function quarantinesIn({ git }: Mirror, pid: number): string[] {
  const objects = join(git.dir, 'objects/')
  return quarantineDirsOf(pid)
    .map(folder => resolve(folder))
    .filter(folder => folder.startsWith(objects))
}
