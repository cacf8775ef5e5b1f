import { isDelete } from '../../commands.ts'
import type { IncomingPush } from '../check.ts'
import type { Introduced } from '../introduced.ts'
import { tagTarget } from '../refs-with.ts'

/** Where a commit is in what a ref brings. */
export interface Whereabouts {
  readonly ref: string
  readonly isTip: boolean
  readonly isRoot: boolean
  readonly isMerge: boolean
  /** Are there merges from it to the tip? A rebase has to keep them. */
  readonly underMerges: boolean
  /** The merge on the ref's own line through which it came in, and through which of its parents. */
  readonly cameWith?: { readonly merge: string; readonly parent: number; readonly parentId: string }
}

/** The refs of a push that bring a new commit, and where in each it is. It walks what is new, and nothing else. */
export function whereabouts(
  push: IncomingPush,
  introduced: Omit<Introduced, 'entries'>,
  commit: string,
): Whereabouts[] {
  const { commits } = introduced
  const parentsOf = (id: string) => commits.get(id) ?? []
  const above = descendants(commit, commits)
  const found: Whereabouts[] = []
  for (const command of push.commands) {
    if (isDelete(command)) continue
    const tip = tipCommit(command, introduced)
    if (tip === undefined || !above.has(tip)) continue
    const line = firstParents(tip, commits)
    const merge = line.includes(commit) ? undefined : line.findLast(id => above.has(id))
    const parent = merge ? parentsOf(merge).findIndex(id => above.has(id)) : -1
    const reached = ancestors(tip, commits)
    found.push({
      ref: command.ref,
      isTip: tip === commit,
      isRoot: parentsOf(commit).length === 0,
      isMerge: parentsOf(commit).length > 1,
      underMerges: [...above].some(id => id !== commit && reached.has(id) && parentsOf(id).length > 1),
      ...(merge && parent >= 0
        ? { cameWith: { merge, parent: parent + 1, parentId: parentsOf(merge)[parent] ?? '' } }
        : {}),
    })
  }
  return found
}

/** `commit`, and the new commits that reach it. */
function descendants(commit: string, commits: Introduced['commits']): Set<string> {
  const above = new Set([commit])
  for (const [id, parents] of commits) if (parents.some(parent => above.has(parent))) above.add(id)
  return above
}

function tipCommit(
  command: IncomingPush['commands'][number],
  { commits, tags }: Omit<Introduced, 'entries'>,
): string | undefined {
  let id: string = command.new
  for (const tag of tags) if (tag.ref === command.ref && tag.id === id) id = tagTarget(tag.content) ?? id
  return commits.has(id) ? id : undefined
}

/** The new commits that `from` reaches, itself among them. */
function ancestors(from: string, commits: Introduced['commits']): Set<string> {
  const seen = new Set<string>()
  const next = [from]
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (seen.has(id) || !commits.has(id)) continue
    seen.add(id)
    next.push(...(commits.get(id) ?? []))
  }
  return seen
}

function firstParents(tip: string, commits: Introduced['commits']): string[] {
  const line: string[] = []
  for (let id: string | undefined = tip; id !== undefined && commits.has(id); id = commits.get(id)?.[0])
    line.push(id)
  return line
}
