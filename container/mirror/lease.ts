import type { Git } from '../git/git.ts'
import { maintain } from '../git/maintenance.ts'
import { tidy } from '../git/remove-stale-files.ts'

/**
 * Comes into a mirror, where git works until it is left. Whoever had to kill git's processes says so when leaving:
 * what they left behind is removed as soon as nobody is inside.
 */
export type Enter = () => Promise<(killed: boolean) => void>

/** Keeps account of who is inside a mirror; `onLeave` is told when somebody has gone. */
export function occupancy(git: Git, onLeave: () => void): Enter {
  let inside = 0
  // What an earlier life of the companion left is removed before the first use.
  let dirty = true
  let tidying: Promise<void> | undefined
  let maintaining = false

  const cleanUp = async () => {
    dirty = false
    tidying = tidy(git).finally(() => {
      tidying = undefined
    })
    await tidying
  }
  const enter: Enter = async () => {
    while (tidying || (dirty && inside === 0)) await (tidying ?? cleanUp())
    inside += 1
    return (killed: boolean) => {
      dirty ||= killed
      left()
      if (!maintaining) maintainInside()
    }
  }
  const left = () => {
    inside -= 1
    onLeave()
    if (dirty && inside === 0) cleanUp().catch(() => {})
  }
  const maintainInside = async () => {
    maintaining = true
    inside += 1
    const isWhole = await maintain(git).catch(() => false)
    dirty ||= !isWhole
    maintaining = false
    left()
  }
  return enter
}
