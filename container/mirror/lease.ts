import type { Git } from '../git/git.ts'
import { maintain } from '../git/maintenance.ts'
import { removeStaleFiles } from '../git/remove-stale-files.ts'

/**
 * Acquires a lease: git processes may work in the mirror until it is released. A release with `killed`
 * reports killed git processes; their files are removed after the last release.
 */
export type Enter = () => Promise<(killed: boolean) => void>

/** Counts the leases of a mirror. Calls `onLeave` after each release. */
export function createLease(git: Git, onLeave: () => void): Enter {
  let users = 0
  // Files of an earlier companion are removed before the first lease.
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
