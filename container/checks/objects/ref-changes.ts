import { type Command, isCreate } from '../../git/command-list.ts'
import type { Git } from '../../git/git.ts'
import { EMPTY_TREE, formatOf } from '../../git/objects/object-format.ts'
import { GateFault } from '../check.ts'
import { DIFF_BYTES, type Entry, parseRawHeader } from './changed-paths.ts'
import { forEachField } from './git-lines.ts'
import { ObjectReader } from './object-reader.ts'

/** A file that differs, with its new mode and id. */
export type ChangedFile = Pick<Entry, 'path' | 'mode' | 'id'>

/**
 * Returns the files in which each pushed ref differs from its old commit, or a created ref from its merge base with the
 * default branch; where there is neither, all its files. Other refs of upstream can have these files before the push.
 * Throws GateFault for more than `max` files.
 */
export async function refChanges(
  git: Git,
  updates: readonly Command[],
  max: number,
  signal: AbortSignal,
): Promise<ChangedFile[]> {
  const pairs = new Map<string, readonly [from: string, to: string]>()
  await using objects = new ObjectReader(git, signal)
  for (const update of updates) {
    const base = isCreate(update) ? await forkPoint(git, update.new, signal) : update.old
    const to = await treeOf(objects, update.new)
    const from = (base && (await treeOf(objects, base))) || EMPTY_TREE[formatOf(update.new)]
    // A tag of a file has no tree: the file itself is new to upstream, or has been checked.
    if (to !== undefined) pairs.set(`${from} ${to}`, [from, to])
  }
  const changed: ChangedFile[] = []
  const args = ['diff-tree', '-r', '--raw', '--no-renames', '--no-abbrev', '--no-ext-diff', '-z']
  for (const pair of pairs.values()) {
    let head: Omit<ChangedFile, 'path'> | undefined
    await forEachField(git, [...args, ...pair], { signal, end: 0, memoryBytes: DIFF_BYTES }, field => {
      if (head) changed.push({ ...head, path: field.toString('utf8') })
      head = head ? undefined : parseRawHeader(field.toString('latin1'))
      if (changed.length > max) throw new GateFault(`the push changes more than ${max} files of its refs`)
    })
  }
  return changed
}

async function forkPoint(git: Git, tip: string, signal: AbortSignal): Promise<string | undefined> {
  const { code, stdout } = await git.run(['merge-base', 'HEAD', tip], { signal })
  return code === 0 ? stdout.toString('latin1').trim() : undefined
}

async function treeOf(objects: ObjectReader, id: string): Promise<string | undefined> {
  let tree: string | undefined
  for await (const info of objects.info([`${id}^{tree}`])) tree = info?.id
  return tree
}
