import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from './git.ts'

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

/** Reads the mirror's refs whose names start with `prefixes`; without prefixes, all refs. */
export async function readMirrorRefs(
  git: Git,
  signal: AbortSignal,
  ...prefixes: readonly string[]
): Promise<RefList> {
  const [listed, head] = await Promise.all([
    git.text(['for-each-ref', '--format=%(objectname) %(refname)', ...prefixes], { signal }),
    readFile(join(git.dir, 'HEAD'), 'utf8'),
  ])
  const refs = new Map<string, string>()
  for (const line of listed.split('\n')) {
    const space = line.indexOf(' ')
    if (space > 0) refs.set(line.slice(space + 1), line.slice(0, space))
  }
  return { refs, head: /^(?:ref: )?(\S+)$/m.exec(head)?.[1] }
}

/** True when both lists have the same refs at the same objects, except the refs in `except`. */
export function sameRefs(one: RefList['refs'], other: RefList['refs'], except: readonly string[]): boolean {
  const excludedCount = (refs: RefList['refs']) => except.filter(ref => refs.has(ref)).length
  if (one.size - excludedCount(one) !== other.size - excludedCount(other)) return false
  for (const [ref, id] of one) if (other.get(ref) !== id && !except.includes(ref)) return false
  return true
}
