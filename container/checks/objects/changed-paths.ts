import type { Git } from '../../git/git.ts'
import { EMPTY_TREE, formatOf } from '../../git/objects/object-format.ts'
import { LimitExceeded, type Limits } from '../limits.ts'
import { forEachField } from './git-lines.ts'

/** A changed entry of a new commit: its mode and blob id in the commit, and in each parent. */
export interface Entry {
  readonly commit: string
  readonly path: string
  /**
   * Git's mode: `100644`, `100755`, `120000` (link), `160000` (submodule), `040000` (empty folder); `000000`:
   * deleted.
   */
  readonly mode: string
  readonly id: string
  readonly oldModes: readonly string[]
  readonly oldIds: readonly string[]
}

const TREE = '040000'

/** True for a file or a symbolic link. */
export const isContent = (mode: string) => mode !== '000000' && mode !== '160000' && mode !== TREE

/**
 * Selects the entries that the checks see. A folder appears through its files. An empty folder, which git's
 * own commands never make, appears by its name.
 */
const isRelevant = ({ mode, id, oldModes }: Omit<Entry, 'commit' | 'path'>) =>
  mode === TREE
    ? id === EMPTY_TREE[formatOf(id)]
    : mode !== '000000' || oldModes.some(old => old !== '000000' && old !== TREE)

/**
 * Git collects all changed entries of a commit before it prints the first. A few small trees, each repeated
 * many times in the next, exceed any memory. A push within the limits takes a fifth of this.
 */
export const DIFF_BYTES = 512 << 20

/** All paths are in memory at once. */
const MAX_PATHS_BYTES = 64 << 20

/** No system checks out a longer path (PATH_MAX in limits.h(0p)). */
const MAX_PATH_BYTES = 4096

/** Git recurses into nested folders. */
const MAX_PATH_DEPTH = 512

/** Counts entries and the bytes of their paths. The returned function throws LimitExceeded past a limit. */
function createPathCounter(maxEntries: number, tooMany: () => LimitExceeded): (path: Buffer) => void {
  let entries = 0
  let bytes = 0
  return path => {
    entries += 1
    bytes += path.length
    if (path.length > MAX_PATH_BYTES || depthOf(path) > MAX_PATH_DEPTH)
      throw new LimitExceeded(
        `a path in it is longer than ${MAX_PATH_BYTES} bytes or deeper than ${MAX_PATH_DEPTH} folders`,
        'shorten the path',
      )
    if (entries > maxEntries || bytes > MAX_PATHS_BYTES) throw tooMany()
  }
}

function depthOf(path: Buffer): number {
  let depth = 0
  for (let index = path.indexOf(SLASH); index >= 0; index = path.indexOf(SLASH, index + 1)) depth += 1
  return depth
}
const SLASH = 47

/** Receives the changed entries and the folders of the commits. */
export interface Changed {
  entries(commit: string, entries: readonly Entry[]): void
  /** Receives the id of every new folder, and of some folders that are not new. */
  folder(id: string): void
}

/**
 * Lists the entries of each new commit that differ from every parent, from git's combined diff
 * (git-diff-tree(1)). A new folder also differs from every parent, or is the root tree of a commit. Throws
 * LimitExceeded past `limits`.
 */
export async function changedEntries(
  git: Git,
  commits: ReadonlyMap<string, readonly string[]>,
  limits: Limits,
  onChanged: Changed,
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
    '--always',
    '--format=%H %T',
  ]
  const tooMany = () =>
    new LimitExceeded(
      `its commits change more than ${limits.maxObjects} files, or their paths are too long or too deep`,
      'push it in smaller parts',
    )
  const count = createPathCounter(limits.maxObjects, tooMany)
  const input = `${[...commits.keys()].join('\n')}\n`
  await forEachField(
    git,
    args,
    { signal, end: 0, input, memoryBytes: DIFF_BYTES, tooMuch: tooMany },
    field => {
      if (head) {
        count(field)
        if (head.mode === TREE) onChanged.folder(head.id)
        if (isRelevant(head)) entries.push({ commit, path: field.toString('utf8'), ...head })
        head = undefined
        return
      }
      // Git prints an empty line between a commit and its entries.
      const text = field.toString('latin1').replace(/^\n/, '')
      if (text.startsWith(':')) head = parseRawHeader(text)
      else if (text) {
        onChanged.entries(commit, entries)
        entries = []
        const [id = '', tree = ''] = text.split(' ')
        commit = id
        if (!commits.has(id)) throw new Error('git diff-tree speaks of a commit it was not asked about')
        onChanged.folder(tree)
      }
    },
  )
  onChanged.entries(commit, entries)
  if (head) throw new Error('git diff-tree ended early')
}

/**
 * Parses `:<old mode> <mode> <old id> <id> <status>`, with a colon, an old mode and an old id for each
 * parent.
 */
export function parseRawHeader(text: string): Omit<Entry, 'path' | 'commit'> {
  const parents = /^:+/.exec(text)?.[0].length ?? 0
  const words = text.slice(parents).split(' ')
  const mode = words[parents]
  const id = words[2 * parents + 1]
  if (parents === 0 || !mode || !id || words.length !== 2 * parents + 3)
    throw new Error('git diff-tree cannot be read')
  return { mode, id, oldModes: words.slice(0, parents), oldIds: words.slice(parents + 1, 2 * parents + 1) }
}

const MAX_TAGGED_FILES = 250_000

/**
 * Lists all entries of a tree as new. Passes the ids of the trees in it to `folder`. Throws LimitExceeded
 * past MAX_TAGGED_FILES.
 */
export async function treeEntries(
  git: Git,
  tree: string,
  folder: Changed['folder'],
  signal: AbortSignal,
): Promise<Entry[]> {
  const entries: Entry[] = []
  const tooMuch = () =>
    new LimitExceeded(
      `a tag holds more than ${MAX_TAGGED_FILES} files, or their paths are too long or too deep`,
      'tag a commit instead',
    )
  const count = createPathCounter(MAX_TAGGED_FILES, tooMuch)
  const args = ['ls-tree', '-r', '-t', '-z', '--full-tree', tree]
  await forEachField(git, args, { signal, end: 0, tooMuch }, field => {
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
    if (mode === TREE) folder(id)
    if (isRelevant(entry)) entries.push(entry)
  })
  return entries
}
