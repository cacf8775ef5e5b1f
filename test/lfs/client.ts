import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'

/** Why the tests with the real client are skipped, or undefined. */
export const noClient = (() => {
  try {
    execFileSync('git', ['lfs', 'version'], { stdio: 'pipe' })
    return undefined
  } catch {
    return 'git-lfs is not installed'
  }
})()

export const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex')

/** Git's configuration for a clone that uses Git LFS, as `git lfs install` writes it. */
export const LFS_CONFIG = [
  'filter.lfs.clean=git-lfs clean -- %f',
  'filter.lfs.smudge=git-lfs smudge -- %f',
  'filter.lfs.process=git-lfs filter-process',
  'filter.lfs.required=true',
]
