import { ZERO_ID } from '../../../../src/contract/names.ts'
import type { Command } from '../../../push/command-list.ts'
import { tagTarget } from '../../objects/commit-refs.ts'
import type { Introduced } from '../../objects/new-objects.ts'

/** What a pushed ref brings, as far as its remedies ask. */
export interface RefHistory {
  readonly ref: string
  readonly tip: string
  /** The new commits that it reaches, with their places in an order of parents first. */
  readonly order: ReadonlyMap<string, number>
  /** Its own line of new commits, by first parents, the newest first. */
  readonly firstParents: readonly string[]
  /** What upstream has of the ref. */
  readonly upstreamId: string | undefined
  readonly parentsOf: (commit: string) => readonly string[]
}

/** What a ref brings, if it ends with a new commit. It walks what is new, and nothing else. */
export function refHistory(
  command: Command,
  { commits, tags }: Pick<Introduced, 'commits' | 'tags'>,
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
  const upstreamId = command.old === ZERO_ID ? undefined : command.old
  return { ref: command.ref, tip, order, firstParents, upstreamId, parentsOf }
}

/** `commit`, and the commits of the ref that reach it. */
export function descendantsInRef(commit: string, { order, parentsOf }: RefHistory): Set<string> {
  const found = new Set([commit])
  for (const id of order.keys()) if (parentsOf(id).some(parent => found.has(parent))) found.add(id)
  return found
}

/** The merge on the ref's own line through which a commit came in, and through which of its parents. */
export function introducingMerge(
  commit: string,
  history: RefHistory,
): { readonly merge: string; readonly parent: number; readonly parentId: string } | undefined {
  const { firstParents, parentsOf } = history
  if (firstParents.includes(commit)) return undefined
  const descendants = descendantsInRef(commit, history)
  const merge = firstParents.findLast(id => descendants.has(id))
  if (merge === undefined) return undefined
  const parent = parentsOf(merge).findIndex(id => descendants.has(id))
  return { merge, parent: parent + 1, parentId: parentsOf(merge)[parent] ?? '' }
}
