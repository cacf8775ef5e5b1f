import type { Git } from '../git/git.ts'
import { maintain } from '../git/maintenance.ts'
import { removeStaleFiles } from '../git/remove-stale-files.ts'

/**
 * Enters a mirror: git processes may work in it until the returned function is called. `leftFiles`: git was killed and
 * may have left files, which are removed when no process works in the mirror.
 */
export type EnterMirror = () => Promise<(leftFiles: boolean) => void>

/** Counts the uses of a mirror. Calls `onLeave` after each. */
export function createMirrorUse(git: Git, onLeave: () => void): EnterMirror {
  let users = 0
  // Files of an earlier companion are removed before the first use.
  let needsCleanup = true
  let cleaningUp: Promise<void> | undefined
  let maintaining = false

  const cleanUp = async () => {
    needsCleanup = false
    cleaningUp = removeStaleFiles(git)
      .catch((error: unknown) => {
        needsCleanup = true
        throw error
      })
      .finally(() => {
        cleaningUp = undefined
      })
    await cleaningUp
  }
  const enter: EnterMirror = async () => {
    while (cleaningUp || (needsCleanup && users === 0)) await (cleaningUp ?? cleanUp())
    users += 1
    return leftFiles => {
      needsCleanup ||= leftFiles
      release()
      if (!maintaining) maintainInside()
    }
  }
  const release = () => {
    users -= 1
    onLeave()
    if (needsCleanup && users === 0) cleanUp().catch(() => {})
  }
  const maintainInside = async () => {
    maintaining = true
    users += 1
    const isWhole = await maintain(git).catch(() => false)
    needsCleanup ||= !isWhole
    maintaining = false
    release()
  }
  return enter
}
