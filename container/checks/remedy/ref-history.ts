import { isNullId } from '../../../src/contract/names.ts'
import type { Command } from '../../git/command-list.ts'
import type { NewObjects } from '../objects/new-objects.ts'
import { tagTarget } from '../objects/tag-target.ts'

/** The new commits of a pushed ref. */
export interface RefHistory {
  readonly ref: string
  readonly tip: string
  /** The new commits that the ref reaches, with their positions in an order of parents first. */
  readonly order: ReadonlyMap<string, number>
  /** The new commits on the ref's line of first parents, newest first. */
  readonly firstParents: readonly string[]
  /** The commit that upstream's ref points to; undefined: upstream lacks the ref. */
  readonly upstreamId: string | undefined
  readonly parentsOf: (commit: string) => readonly string[]
}

/** Returns the new commits of a ref; undefined: its tip is not a new commit. It walks new commits only. */
export function refHistory(
  command: Command,
  { commits, tags }: Pick<NewObjects, 'commits' | 'tags'>,
): RefHistory | undefined {
  let tip: string = command.new
  for (const tag of tags) if (tag.ref === command.ref && tag.id === tip) tip = tagTarget(tag.content) ?? tip
  if (!commits.has(tip)) return undefined
  const parentsOf = (id: string) => commits.get(id) ?? []
  const reached = new Set([tip])
  for (const id of reached) for (const parent of parentsOf(id)) if (commits.has(parent)) reached.add(parent)
  const order = new Map<string, number>()
  for (const id of commits.keys()) if (reached.has(id)) order.set(id, order.size)
  const firstParents: string[] = []
  for (let id: string | undefined = tip; id !== undefined && commits.has(id); id = parentsOf(id)[0])
    firstParents.push(id)
  const upstreamId = isNullId(command.old) ? undefined : command.old
  return { ref: command.ref, tip, order, firstParents, upstreamId, parentsOf }
}

/** Returns the given commits and the commits of the ref that reach one of them, in one walk. */
export function descendantsInRef(from: Iterable<string>, { order, parentsOf }: RefHistory): Set<string> {
  const found = new Set(from)
  for (const id of order.keys()) if (parentsOf(id).some(parent => found.has(parent))) found.add(id)
  return found
}

/**
 * Returns the merge on the ref's first-parent line that brought a commit in, and the number of the merge's parent that
 * it came through.
 */
export function introducingMerge(
  commit: string,
  history: RefHistory,
): { readonly merge: string; readonly parent: number; readonly parentId: string } | undefined {
  const { firstParents, parentsOf } = history
  if (firstParents.includes(commit)) return undefined
  const descendants = descendantsInRef([commit], history)
  const merge = firstParents.findLast(id => descendants.has(id))
  if (merge === undefined) return undefined
  const parent = parentsOf(merge).findIndex(id => descendants.has(id))
  return { merge, parent: parent + 1, parentId: parentsOf(merge)[parent] ?? '' }
}
