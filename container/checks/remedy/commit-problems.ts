import type { Entry } from '../objects/changed-paths.ts'
import type { ScanItem } from '../secrets/gitleaks/scan-files.ts'
import type { RefHistory } from './ref-history.ts'

/** A secret for which a ref is refused. */
export interface ReportedLeak {
  readonly kind: ScanItem['kind']
  /** The commits that bring the secret; or the id of an object that is under no commit. */
  readonly commits: readonly string[]
  readonly path: string
  /** The path as it may be printed in a command; undefined when the path holds a secret. */
  readonly safePath: string | undefined
  /** The number of the line in the newest commit that brings it; 0 when it is in no line. */
  readonly line: number
  /** The line that holds the secret. */
  readonly text: string
}

/** The secrets to remove from the commits of a ref. */
export interface RefProblem {
  readonly leaks: readonly ReportedLeak[]
  /** The changes of new commits at the leaks' paths, parents first. */
  readonly changes: readonly Pick<Entry, 'commit' | 'path' | 'mode'>[]
}

/** The places of a commit that hold secrets. */
export interface CommitProblems {
  readonly files: ReadonlySet<string>
  readonly names: ReadonlySet<string>
  readonly message: boolean
  /** True if the name or address of the author or committer holds a secret. */
  readonly identity: boolean
  /** True if a header that git commit --amend keeps holds a secret. */
  readonly header: boolean
}

const placeOf = ({ safePath = 'the file', line }: ReportedLeak) => `${safePath}${line > 0 ? `:${line}` : ''}`

export function problemsIn(leaks: readonly ReportedLeak[]): CommitProblems {
  const ofKind = (kind: ScanItem['kind']) => leaks.filter(leak => leak.kind === kind)
  const isIdentity = ({ text }: ReportedLeak) => /^(?:author|committer) /.test(text)
  return {
    files: new Set(ofKind('file').map(placeOf)),
    names: new Set(ofKind('file name').map(({ safePath = 'the file' }) => safePath)),
    message: ofKind('commit message').length > 0,
    identity: ofKind('commit header').some(isIdentity),
    header: ofKind('commit header').some(leak => !isIdentity(leak)),
  }
}

/** Returns the commits of a ref that hold secrets, parents first. */
export function findProblems(
  { order }: RefHistory,
  leaks: readonly ReportedLeak[],
): Map<string, CommitProblems> {
  const positionOf = (id: string) => order.get(id) ?? -1
  const leaksIn = new Map<string, ReportedLeak[]>()
  for (const leak of leaks)
    for (const id of new Set(leak.commits)) {
      const inCommit = leaksIn.get(id)
      if (inCommit) inCommit.push(leak)
      else if (order.has(id)) leaksIn.set(id, [leak])
    }
  return new Map(
    [...leaksIn]
      .sort(([a], [b]) => positionOf(a) - positionOf(b))
      .map(([id, inCommit]) => [id, problemsIn(inCommit)]),
  )
}

/** Returns the first secret in a file that a later commit of the ref changes again. */
export function findBuiltOn(
  leaks: readonly ReportedLeak[],
  { order }: RefHistory,
  changes: RefProblem['changes'],
): ReportedLeak | undefined {
  const lastChange = new Map<string, number>()
  for (const { path, commit } of changes)
    lastChange.set(path, Math.max(lastChange.get(path) ?? -1, order.get(commit) ?? -1))
  return leaks.find(
    ({ kind, path, commits }) =>
      (kind === 'file' || kind === 'file name') &&
      commits.some(id => (lastChange.get(path) ?? -1) > (order.get(id) ?? Number.POSITIVE_INFINITY)),
  )
}
