import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from './git.ts'
import { readRefFiles } from './ref-files.ts'

/**
 * The refs whose objects count as upstream's in the checks, as arguments of git rev-list: a fork's author
 * writes refs such as refs/pull/1/head.
 */
export const UPSTREAM_CONTENT = ['--branches', '--tags'] as const

export interface RefList {
  /** Maps full ref names to object ids. */
  readonly refs: ReadonlyMap<string, string>
  /**
   * The branch that HEAD points to, born or unborn, or the commit of a detached HEAD. Undefined: upstream
   * does not report it.
   */
  readonly head: string | undefined
}

/** Reads the mirror's refs below `prefixes`, such as `refs/heads`; without prefixes, all refs. */
export async function readMirrorRefs(
  git: Git,
  signal: AbortSignal,
  ...prefixes: readonly string[]
): Promise<RefList> {
  const [refs, head] = await Promise.all([
    readRefFiles(git.dir).then(inFiles => inFiles ?? listRefs(git, signal)),
    readFile(join(git.dir, 'HEAD'), 'utf8'),
  ])
  signal.throwIfAborted()
  return { refs: below(prefixes, refs), head: /^(?:ref: )?(\S+)$/m.exec(head)?.[1] }
}

/** Most mirrors have no other refs, and a copy of a long list takes longer than the look at it. */
function below(prefixes: readonly string[], refs: RefList['refs']): RefList['refs'] {
  const folders = prefixes.map(prefix => `${prefix}/`)
  const isBelow = (ref: string) => folders.some(folder => ref.startsWith(folder))
  if (folders.length === 0 || refs.keys().every(isBelow)) return refs
  return new Map([...refs].filter(([ref]) => isBelow(ref)))
}

async function listRefs(git: Git, signal: AbortSignal): Promise<Map<string, string>> {
  const listed = await git.text(['for-each-ref', '--format=%(objectname) %(refname)'], { signal })
  const refs = new Map<string, string>()
  for (const line of listed.split('\n')) {
    const space = line.indexOf(' ')
    if (space > 0) refs.set(line.slice(space + 1), line.slice(0, space))
  }
  return refs
}

/** True when both lists have the same refs at the same objects, except the refs in `except`. */
export function sameRefs(left: RefList['refs'], right: RefList['refs'], except: readonly string[]): boolean {
  const excludedCount = (refs: RefList['refs']) => except.filter(ref => refs.has(ref)).length
  if (left.size - excludedCount(left) !== right.size - excludedCount(right)) return false
  if (left.size === right.size && sameInOrder(left, right)) return true
  for (const [ref, id] of left) if (right.get(ref) !== id && !except.includes(ref)) return false
  return true
}

/** Most lists are equal, and git sorts all of them: that is seen without a search for each name. */
function sameInOrder(left: RefList['refs'], right: RefList['refs']): boolean {
  const [refs, ids] = [right.keys(), right.values()]
  return left.entries().every(([ref, id]) => ref === refs.next().value && id === ids.next().value)
}
