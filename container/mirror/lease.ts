import type { Git } from '../git/git.ts'
import { maintain } from '../git/maintenance.ts'
import { removeStaleFiles } from '../git/remove-stale-files.ts'

/**
 * Comes into a mirror, where git works until it is left. Whoever had to kill git's processes says so when leaving:
 * what they left behind is removed as soon as nobody is inside.
 */
export type Enter = () => Promise<(killed: boolean) => void>

/** Keeps account of who is inside a mirror; `onLeave` is told when somebody has gone. */
export function createLease(git: Git, onLeave: () => void): Enter {
  let users = 0
  // What an earlier life of the companion left is removed before the first use.
  let needsCleanup = true
  let tidying: Promise<void> | undefined
  let maintaining = false

  const cleanUp = async () => {
    needsCleanup = false
    tidying = removeStaleFiles(git).finally(() => {
      tidying = undefined
    })
    await tidying
  }
  const acquire: Enter = async () => {
    while (tidying || (needsCleanup && users === 0)) await (tidying ?? cleanUp())
    users += 1
    return (killed: boolean) => {
      needsCleanup ||= killed
      left()
      if (!maintaining) maintainInside()
    }
  }
  const left = () => {
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
    left()
  }
  return acquire
}
