import { ZERO_ID } from '../../../src/contract/names.ts'
import type { Git } from '../../git/git.ts'
import { rawHead } from './changed-paths.ts'
import { lines } from './git-lines.ts'
import type { Introduced, Place } from './new-objects.ts'

/** What a commit has at a path: its mode and its id, as git writes them. */
type Version = string
const ABSENT: Version = `000000 ${ZERO_ID}`

/** Paths in one question to git. */
const BATCH = 200

/**
 * The places where a new merge drops what one of its parents had changed, by taking another's version as it is. Git
 * calls such an entry no change of the merge; to whoever guards the path it is one. Only the paths that `guarded`
 * names are looked at. A merge may take any change that was made since its parents parted: it drops one when the
 * parent that it did not follow has another version than where the two parted.
 */
export async function mergePicks(
  git: Git,
  { commits }: Introduced,
  guarded: (path: string) => boolean,
  signal: AbortSignal,
): Promise<Place[]> {
  const merges = [...commits].filter(([, parents]) => parents.length > 1)
  const found: Place[] = []
  const differing = await differences(git, merges, guarded, signal)
  for (const [merge, parents] of merges) {
    const byPath = differing.get(merge)
    if (!byPath) continue
    const followed = [...byPath].filter(([, theirs]) => theirs.size < parents.length)
    for (const [i, parent] of parents.entries())
      for (const [j, other] of parents.entries()) {
        const paths = followed.flatMap(([path, theirs]) => (theirs.has(j) && !theirs.has(i) ? [path] : []))
        if (i === j || paths.length === 0) continue
        const parted = await whereParted(git, parent, other, paths, signal)
        for (const path of paths) {
          const theirs = byPath.get(path)
          const version = theirs?.get(j) ?? ABSENT
          if (parted.some(base => (base.get(path) ?? ABSENT) === version)) theirs?.delete(j)
        }
      }
    for (const [path, theirs] of followed) if (theirs.size > 0) found.push({ commit: merge, path })
  }
  return found
}

/** By merge and guarded path: the parents (by their place) that differ from the merge there, and what they have. */
async function differences(
  git: Git,
  merges: readonly (readonly [string, readonly string[]])[],
  guarded: (path: string) => boolean,
  signal: AbortSignal,
): Promise<Map<string, Map<string, Map<number, Version>>>> {
  const found = new Map<string, Map<string, Map<number, Version>>>()
  const most = Math.max(0, ...merges.map(([, parents]) => parents.length))
  for (let place = 0; place < most; place++) {
    // A commit with one other after it is compared with that as if it were its only parent (git-diff-tree(1)).
    const pairs = merges.flatMap(([merge, parents]) =>
      parents[place] ? [`${merge} ${parents[place]}\n`] : [],
    )
    let merge = ''
    let version: Version | undefined
    const args = ['diff-tree', '--stdin', '-r', '--raw', '--no-renames', '--no-abbrev', '--no-ext-diff', '-z']
    await lines(git, args, { signal, end: 0, input: pairs.join('') }, field => {
      if (version !== undefined) {
        const path = field.toString('utf8')
        if (guarded(path)) {
          const byPath = found.get(merge) ?? new Map<string, Map<number, Version>>()
          found.set(merge, byPath)
          byPath.set(path, (byPath.get(path) ?? new Map()).set(place, version))
        }
        version = undefined
      } else if (field[0] === 58) {
        const { oldModes, oldIds } = rawHead(field.toString('latin1'))
        version = `${oldModes[0]} ${oldIds[0]}`
      } else merge = field.toString('latin1')
    })
  }
  return found
}

/** What each commit at which the histories of two parents parted has at these paths; absent ones are left out. */
async function whereParted(
  git: Git,
  one: string,
  other: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Version>[]> {
  const asked = await git.run(['merge-base', '--all', one, other], { signal })
  if (asked.code !== 0 && asked.code !== 1) throw new Error(`git merge-base ended with ${asked.code}`)
  const bases = asked.stdout.toString('latin1').split('\n').filter(Boolean)
  if (bases.length === 0) return [new Map()]
  const found: Map<string, Version>[] = []
  for (const base of bases) {
    const has = new Map<string, Version>()
    for (let at = 0; at < paths.length; at += BATCH) {
      const some = paths.slice(at, at + BATCH)
      const args = ['--literal-pathspecs', 'ls-tree', '-r', '-z', '--full-tree', base, '--', ...some]
      await lines(git, args, { signal, end: 0 }, field => {
        const tab = field.indexOf(9)
        const [mode, , id] = field.subarray(0, tab).toString('latin1').split(' ')
        has.set(field.subarray(tab + 1).toString('utf8'), `${mode} ${id}`)
      })
    }
    found.push(has)
  }
  return found
}
