import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Check, IncomingPush } from '../../container/checks/check.ts'
import { shareReaders } from '../../container/checks/index.ts'
import { gitEnvironment } from '../../container/git/git.ts'
import { incoming, readCommand } from '../../test/scan/fixtures/repositories.ts'

/** The old value of a ref that a push creates. */
export const ZERO = '0'.repeat(40)

export function git(dir: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('git', ['-C', dir, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`git ${args[0]}: ${stderr}`)
  return stdout.trim()
}

/** Makes a mirror with the repository's objects, and in a quarantine the objects of one push. */
export async function stage(repository: string): Promise<{ home: string; tip: string }> {
  const home = await mkdtemp(join(tmpdir(), 'git-gate-import-'))
  git(
    home,
    'clone',
    '--quiet',
    '--bare',
    '--single-branch',
    '--no-tags',
    `file://${resolve(repository)}`,
    'mirror.git',
  )
  const tip = git(join(home, 'mirror.git'), 'rev-parse', 'HEAD')
  await writeFile(join(home, 'gitconfig'), '[safe]\n  directory = *\n')
  await writeFile(join(home, 'mirror.git', 'packed-refs'), '')
  await rm(join(home, 'mirror.git', 'refs'), { recursive: true })
  await mkdir(join(home, 'mirror.git', 'refs', 'heads'), { recursive: true })
  return { home, tip }
}

export async function quarantine(home: string, old: string, id: string): Promise<void> {
  await rm(join(home, 'push'), { recursive: true, force: true })
  await mkdir(join(home, 'push', 'quarantine', 'pack'), { recursive: true })
  const { status } = spawnSync(
    'git',
    [
      '-C',
      join(home, 'mirror.git'),
      'pack-objects',
      '--quiet',
      '--revs',
      join(home, 'push', 'quarantine', 'pack', 'pack'),
    ],
    {
      input: old === ZERO ? `${id}\n` : `${id}\n^${old}\n`,
      env: { ...process.env, ...gitEnvironment(home, join(home, 'gitconfig')) },
    },
  )
  if (status !== 0) throw new Error('git pack-objects failed')
  const mirror = join(home, 'mirror.git')
  if (old === ZERO) return
  git(mirror, 'update-ref', 'refs/heads/main', old)
  git(mirror, 'symbolic-ref', 'HEAD', 'refs/heads/main')
}

/** Returns the staged push of the commits between two. */
export const stagedPush = (home: string, old: string, id: string) =>
  incoming(
    join(home, 'mirror.git'),
    join(home, 'gitconfig'),
    join(home, 'push'),
    [readCommand(`${old} ${id} refs/heads/pushed`)],
    {},
  )

/** Runs a check as the companion does: the checks of a push share git's processes, which end with them. */
export async function runCheck(check: Check, push: IncomingPush, signal: AbortSignal) {
  await using _ = shareReaders(push.git)
  return await check.run(push, () => {}, signal)
}
