import { once } from 'node:events'
import { MAX_REFS, type PushDiff, type UpdatedRef } from '../../src/contract/companion-api/push-diff.ts'
import { isNullId } from '../../src/contract/names.ts'
import type { Git } from '../git/git.ts'
import { EMPTY_TREE, formatOf } from '../git/object-format.ts'
import type { Mirror } from './mirror.ts'

/** The limits for a push's commits and diff, in bytes: as much as a person reads and a page can show. */
const COMMITS_BYTES = 8_000
const DIFF_BYTES = 60_000
const DEADLINE_MS = 20_000

/**
 * Returns the commits that a push brought to each ref, and the diff from their merge base. Reads the mirror
 * only.
 */
export async function describePush(mirror: Mirror, refs: readonly UpdatedRef[]): Promise<PushDiff[]> {
  if (!(await mirror.exists())) return refs.map(({ ref }) => ({ ref, changes: null }))
  const signal = AbortSignal.timeout(DEADLINE_MS)
  const leave = await mirror.enter()
  try {
    const all: PushDiff[] = []
    for (const moved of refs.slice(0, MAX_REFS))
      all.push({ ref: moved.ref, changes: await brought(mirror.git, moved, refs.length, signal) })
    return all
  } finally {
    leave(signal.aborted)
  }
}

async function brought(
  git: Git,
  moved: UpdatedRef,
  refCount: number,
  signal: AbortSignal,
): Promise<PushDiff['changes']> {
  const tip = `${moved.new}^{commit}`
  if ((await git.run(['cat-file', '-e', tip], { signal })).code !== 0) return null
  const base =
    (isNullId(moved.old) ? undefined : await mergeBase(git, `${moved.old}^{commit}`, tip, signal)) ??
    (await mergeBase(git, 'HEAD', tip, signal))
  const log = [
    'log',
    '--no-color',
    '--no-show-signature',
    '--format=%h %as %an <%ae>%n    %s',
    '-n',
    '200',
    tip,
  ]
  const diff = [
    'diff',
    '--no-color',
    '--no-ext-diff',
    '--no-textconv',
    '--find-renames',
    base ?? EMPTY_TREE[formatOf(moved.new)],
    tip,
  ]
  return {
    commits: await readPrefix(git, base ? [...log, '--not', base] : log, COMMITS_BYTES / refCount, signal),
    diff: await readPrefix(git, diff, DIFF_BYTES / refCount, signal),
  }
}

async function mergeBase(git: Git, one: string, tip: string, signal: AbortSignal) {
  const found = await git.run(['merge-base', one, tip], { signal })
  return found.code === 0 ? found.stdout.toString('utf8').trim() : undefined
}

/** Returns the first `most` bytes of git's stdout. Kills git when it prints more. */
async function readPrefix(git: Git, args: readonly string[], most: number, signal: AbortSignal) {
  const enough = new AbortController()
  const child = git.spawn(args, { signal: AbortSignal.any([signal, enough.signal]) })
  const ended = once(child, 'close')
  ended.catch(() => {})
  child.stdin?.on('error', () => {}).end()
  child.stderr?.resume()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of child.stdout ?? []) {
    chunks.push(chunk)
    size += chunk.length
    if (size > most) break
  }
  enough.abort()
  await ended
  signal.throwIfAborted()
  const text = Buffer.concat(chunks).subarray(0, most).toString('utf8')
  return { text, truncated: size > most }
}
