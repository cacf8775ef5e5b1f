import { isNullId } from '../../../../src/contract/names.ts'
import { isContent } from '../../objects/changed-paths.ts'
import type { NewObjects } from '../../objects/new-objects.ts'

/** Maps a new blob to the blobs that it replaces, at each of its places. */
export type Predecessors = ReadonlyMap<string, readonly string[]>

interface Replaced {
  readonly path: string
  readonly ids: ReadonlySet<string>
}

/**
 * Returns the blobs that each new blob replaces. A blob that is new at a path, that has several paths, or that replaces
 * different blobs at its places has none: a text of its predecessor would be new at one of them.
 */
export function predecessorsOf({ entries, blobs }: Pick<NewObjects, 'entries' | 'blobs'>): Predecessors {
  const replaced = new Map<string, Replaced>()
  for (const { id, path, mode, oldIds, oldModes } of entries) {
    if (!isContent(mode) || !blobs.has(id)) continue
    // A change of the mode alone brings no text.
    if (oldIds.includes(id) && replaced.get(id)?.path === path) continue
    const olds = oldIds.filter((old, i) => !isNullId(old) && isContent(oldModes[i] ?? '000000'))
    const earlier = replaced.get(id)
    const shared = earlier === undefined ? olds : olds.filter(old => earlier.ids.has(old))
    const hasOnePath = earlier === undefined || earlier.path === path
    replaced.set(id, { path, ids: new Set(hasOnePath ? shared : []) })
  }
  const predecessors = new Map<string, readonly string[]>()
  for (const [id, { ids }] of replaced) if (ids.size > 0 && !ids.has(id)) predecessors.set(id, [...ids])
  return predecessors
}
