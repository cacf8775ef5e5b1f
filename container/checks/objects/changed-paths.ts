import type { Git } from '../../git/git.ts'
import { LimitExceeded, type Limits } from '../limits.ts'
import { lines } from './git-lines.ts'

/** A changed entry of a new commit: what the commit has there, and what each of its parents had. */
export interface Entry {
  readonly commit: string
  readonly path: string
  /** As git writes it: `100644`, `100755`, `120000` (link), `160000` (submodule), `040000` (empty folder); `000000`: deleted. */
  readonly mode: string
  readonly id: string
  readonly oldModes: readonly string[]
  readonly oldIds: readonly string[]
}

const TREE = '040000'
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

/** Is it a file or a link? */
export const isContent = (mode: string) => mode !== '000000' && mode !== '160000' && mode !== TREE

/** A folder speaks through its files. An empty one, which git's own commands never make, has a name all the same. */
const speaks = ({ mode, id, oldModes }: Omit<Entry, 'commit' | 'path'>) =>
  mode === TREE
    ? id === EMPTY_TREE
    : mode !== '000000' || oldModes.some(old => old !== '000000' && old !== TREE)

/**
 * Git collects all of a commit's changed entries before it prints the first. A few small trees, each many times in the
 * next, make more of them than any memory holds; what may be pushed takes a fifth of this.
 */
const DIFF_KIB = 512 << 10

/** The paths of all entries are held at once. One may be as long as the trees above it make it; all together are not. */
const MAX_PATH_BYTES = 64 << 20

/** Counts entries and the bytes of their paths; the answer throws past a limit. */
function bounded(maxEntries: number, tooMany: () => LimitExceeded): (path: Buffer) => void {
  let entries = 0
  let bytes = 0
  return path => {
    entries += 1
    bytes += path.length
    if (entries > maxEntries || bytes > MAX_PATH_BYTES) throw tooMany()
  }
}

/** The entries of each new commit that differ from every parent's, by git's own combined diff (git-diff-tree(1)). */
export async function changedEntries(
  git: Git,
  commits: ReadonlyMap<string, readonly string[]>,
  limits: Limits,
  take: (commit: string, entries: readonly Entry[]) => void,
  signal: AbortSignal,
): Promise<void> {
  let commit = ''
  let head: Omit<Entry, 'path' | 'commit'> | undefined
  let entries: Entry[] = []
  const args = [
    'diff-tree',
    '--stdin',
    '--root',
    '-r',
    '-t',
    '-c',
    '--raw',
    '--no-renames',
    '--no-abbrev',
    '--no-ext-diff',
    '-z',
  ]
  const tooMany = () =>
    new LimitExceeded(
      `its commits change more than ${limits.maxObjects} files, or their paths are too long`,
      'push it in smaller parts',
    )
  const count = bounded(limits.maxObjects, tooMany)
  const input = `${[...commits.keys()].join('\n')}\n`
  await lines(git, args, { signal, end: 0, input, maxDataKiB: DIFF_KIB, outOfMemory: tooMany }, field => {
    if (head) {
      count(field)
      if (speaks(head)) entries.push({ commit, path: field.toString('utf8'), ...head })
      head = undefined
    } else if (field[0] === 58) {
      head = rawHead(field.toString('latin1'))
    } else {
      take(commit, entries)
      entries = []
      commit = field.toString('latin1')
      if (!commits.has(commit)) throw new Error('git diff-tree speaks of a commit it was not asked about')
    }
  })
  take(commit, entries)
  if (head) throw new Error('git diff-tree ended early')
}

/** `:<old mode> <mode> <old id> <id> <status>`, with a colon, an old mode and an old id for each parent. */
export function rawHead(text: string): Omit<Entry, 'path' | 'commit'> {
  const parents = /^:+/.exec(text)?.[0].length ?? 0
  const words = text.slice(parents).split(' ')
  const mode = words[parents]
  const id = words[2 * parents + 1]
  if (parents === 0 || !mode || !id || words.length !== 2 * parents + 3)
    throw new Error('git diff-tree cannot be read')
  return { mode, id, oldModes: words.slice(0, parents), oldIds: words.slice(parents + 1, 2 * parents + 1) }
}

const MAX_TAGGED_FILES = 250_000

/** All that a tree holds, as if it were new. */
export async function treeEntries(git: Git, tree: string, signal: AbortSignal): Promise<Entry[]> {
  const entries: Entry[] = []
  const count = bounded(
    MAX_TAGGED_FILES,
    () =>
      new LimitExceeded(
        `a tag holds more than ${MAX_TAGGED_FILES} files, or their paths are too long`,
        'tag a commit instead',
      ),
  )
  await lines(git, ['ls-tree', '-r', '-t', '-z', '--full-tree', tree], { signal, end: 0 }, field => {
    count(field)
    const tab = field.indexOf(9)
    const [mode, , id] = field.subarray(0, tab).toString('latin1').split(' ')
    if (!mode || !id) throw new Error('git ls-tree cannot be read')
    const entry = {
      commit: tree,
      path: field.subarray(tab + 1).toString('utf8'),
      mode,
      id,
      oldModes: [],
      oldIds: [],
    }
    if (speaks(entry)) entries.push(entry)
  })
  return entries
}
