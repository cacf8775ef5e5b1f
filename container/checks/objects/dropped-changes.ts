import type { Git } from '../../git/git.ts'
import { parseRawHeader } from './changed-paths.ts'
import { forEachField } from './git-lines.ts'
import type { NewObjects, Place } from './new-objects.ts'

/** A commit's mode and object id at a path, as git writes them, or ABSENT. */
type Version = string
const ABSENT: Version = '000000'

/** The number of paths in one call of git ls-tree. */
const BATCH = 200

/**
 * Returns the places where a new merge drops a change of one parent by taking the version of another parent.
 * Git's combined diff leaves such an entry out, but a rule that guards the path must see it. Only paths that
 * satisfy `guarded` are examined.
 *
 * A merge may take any change made since the merge base of its parents. It drops a change when a parent that
 * it did not follow has a version other than the merge base's.
 */
export async function droppedChanges(
  git: Git,
  { commits }: NewObjects,
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
      for (const [j, right] of parents.entries()) {
        const paths = followed.flatMap(([path, theirs]) => (theirs.has(j) && !theirs.has(i) ? [path] : []))
        if (i === j || paths.length === 0) continue
        const parted = await mergeBaseVersions(git, parent, right, paths, signal)
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

/**
 * Maps each merge and guarded path to the parents (by index) that differ from the merge there, with their
 * versions.
 */
async function differences(
  git: Git,
  merges: readonly (readonly [string, readonly string[]])[],
  guarded: (path: string) => boolean,
  signal: AbortSignal,
): Promise<Map<string, Map<string, Map<number, Version>>>> {
  const found = new Map<string, Map<string, Map<number, Version>>>()
  const maxParents = Math.max(0, ...merges.map(([, parents]) => parents.length))
  for (let place = 0; place < maxParents; place++) {
    // git-diff-tree(1), --stdin: a commit with a second id after it is compared with that id as its only
    // parent.
    const pairs = merges.flatMap(([merge, parents]) =>
      parents[place] ? [`${merge} ${parents[place]}\n`] : [],
    )
    let merge = ''
    let version: Version | undefined
    const args = ['diff-tree', '--stdin', '-r', '--raw', '--no-renames', '--no-abbrev', '--no-ext-diff', '-z']
    await forEachField(git, args, { signal, end: 0, input: pairs.join('') }, field => {
      if (version !== undefined) {
        const path = field.toString('utf8')
        if (guarded(path)) {
          const byPath = found.get(merge) ?? new Map<string, Map<number, Version>>()
          found.set(merge, byPath)
          byPath.set(path, (byPath.get(path) ?? new Map()).set(place, version))
        }
        version = undefined
      } else if (field[0] === 58) {
        const { oldModes, oldIds } = parseRawHeader(field.toString('latin1'))
        version = oldModes[0] === ABSENT ? ABSENT : `${oldModes[0]} ${oldIds[0]}`
      } else merge = field.toString('latin1')
    })
  }
  return found
}

/**
 * Returns, for each merge base of two commits, its versions of these paths. A path that the merge base lacks
 * has no entry.
 */
async function mergeBaseVersions(
  git: Git,
  left: string,
  right: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Version>[]> {
  const result = await git.run(['merge-base', '--all', left, right], { signal })
  if (result.code !== 0 && result.code !== 1) throw new Error(`git merge-base ended with ${result.code}`)
  const bases = result.stdout.toString('latin1').split('\n').filter(Boolean)
  if (bases.length === 0) return [new Map()]
  const found: Map<string, Version>[] = []
  for (const base of bases) {
    const versions = new Map<string, Version>()
    for (let start = 0; start < paths.length; start += BATCH) {
      const batch = paths.slice(start, start + BATCH)
      const args = ['--literal-pathspecs', 'ls-tree', '-r', '-z', '--full-tree', base, '--', ...batch]
      await forEachField(git, args, { signal, end: 0 }, field => {
        const tab = field.indexOf(9)
        const [mode, , id] = field.subarray(0, tab).toString('latin1').split(' ')
        versions.set(field.subarray(tab + 1).toString('utf8'), `${mode} ${id}`)
      })
    }
    found.push(versions)
  }
  return found
}
