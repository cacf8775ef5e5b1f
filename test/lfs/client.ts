import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Agent, Clone } from '../harness/index.ts'

/** The git-lfs that `node test/lfs/build.ts` builds. `npm run test:lfs` has its folder first on PATH. */
export const GIT_LFS_PROGRAM = path.join(import.meta.dirname, '../../.cache/git-lfs/git-lfs')

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
export const GIT_LFS_CONFIG = [
  ['filter.lfs.clean', 'git-lfs clean -- %f'],
  ['filter.lfs.smudge', 'git-lfs smudge -- %f'],
  ['filter.lfs.process', 'git-lfs filter-process'],
  ['filter.lfs.required', 'true'],
] as const

/** The file that puts `*.bin` into Git LFS. */
export const ATTRIBUTES = { '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n' }

/** Clones with Git LFS on, and its hooks installed. */
export async function cloneWithLfs(agent: Agent, ...options: string[]): Promise<Clone> {
  const work = await agent.clone(
    ...GIT_LFS_CONFIG.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ...options,
  )
  await work.text(['lfs', 'install', '--local'])
  return work
}

/** Returns the content of a file in a work tree. */
export const content = (work: Clone, file: string) => readFileSync(path.join(work.dir, file))
