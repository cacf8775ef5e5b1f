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
interface BoundedPush {
  readonly client: Pick<PushClient, 'enterPhase'>
  readonly mirror: Mirror
  readonly list: Pick<CommandList, 'capabilities'>
  readonly state: Pick<PushStateMachine, 'current'>
  readonly settings: Pick<Settings, 'gitIdleMs' | 'scanMs'>
}

/** Creates the timers that kill git's process group when it exceeds a limit. */
export function boundGit(backend: Backend, { client, mirror, list, state, settings }: BoundedPush) {
  let inputEnded = false
  let killTimer: NodeJS.Timeout | undefined
  let unpackTimer: NodeJS.Timeout | undefined
  const bounds = {
    isOver: false,
    isTidy: true,
    isTooSlow: false,
    wasKilled: false,
    /** Quarantine folders of a git that was killed. */
    quarantines: [] as readonly string[],
    kill,
    killAfter,
    onPacket(isKeepalive: boolean) {
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
    clear() {
      clearTimeout(killTimer)
      clearTimeout(unpackTimer)
    },
  }
  return bounds

  function isReceiving(): boolean {
    return state.current === 'receiving' && !bounds.isOver
  }
  function kill(): void {
    bounds.quarantines = quarantinesIn(mirror, backend.child.pid ?? 0)
    bounds.wasKilled = true
    bounds.isTidy = false
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
      bounds.isTooSlow = true
      kill()
    }, settings.scanMs)
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
