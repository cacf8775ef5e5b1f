import { z } from 'zod'

/** Upstream's refs that every mirror has. Only branches and tags count as upstream's content in a scan. */
const ALWAYS = ['refs/heads/*', 'refs/tags/*', 'refs/notes/*'] as const

const KNOWN = /^refs\/(heads|tags|notes)\//
/** Namespaces in which git gives refs another meaning. */
const RESERVED = /^refs\/(replace|for|bisect|worktree|rewritten)(\/|$)/

/**
 * A pattern of further refs that the mirror reads from upstream, such as all of `refs/pull/`: the source of a
 * refspec, with at most one `*`, which matches slashes too (git-fetch(1)). `**` means the same as `*`.
 */
export const ReadRefPattern = z
  .string()
  .max(256)
  .overwrite(pattern => pattern.replaceAll(/\*{2,}/g, '*'))
  .refine(pattern => !KNOWN.test(pattern), 'branches, tags and notes are read from upstream anyway')
  .refine(
    pattern => !RESERVED.test(pattern),
    'git gives these refs another meaning, so they are not mirrored',
  )
  .refine(
    isRefspecSource,
    'a pattern of refs to read starts with refs/NAMESPACE/ and has one "*" at most, for example refs/pull/*/head',
  )

function isRefspecSource(pattern: string): boolean {
  const parts = pattern.split('/')
  return (
    parts.length >= 3 &&
    parts[0] === 'refs' &&
    !/[*]/.test(parts[1] ?? '') &&
    pattern.split('*').length <= 2 &&
    !/[\x00-\x20\x7f~^:?[\\]|\.\.|@\{/.test(pattern) &&
    parts.every(part => part !== '' && !/^[.-]|\.$|\.lock$/.test(part))
  )
}

/** The refs of an upstream that its mirror has. */
export interface MirroredRefs {
  /** The patterns as sources of refspecs. */
  readonly patterns: readonly string[]
  /** Prefixes of all refs that match, for ls-refs. */
  readonly prefixes: readonly string[]
  has(ref: string): boolean
}

export function mirroredRefs(readRefs: readonly string[]): MirroredRefs {
  const patterns = [...new Set([...ALWAYS, ...readRefs])]
  const parts = patterns.map(pattern => pattern.split('*') as [string] | [string, string])
  return {
    patterns,
    prefixes: parts.map(([start]) => start),
    has: ref =>
      parts.some(([start, end]) =>
        end === undefined
          ? ref === start
          : ref.startsWith(start) && ref.endsWith(end) && ref.length > start.length + end.length,
      ),
  }
}
