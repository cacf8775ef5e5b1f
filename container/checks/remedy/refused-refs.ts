import type { IncomingPush } from '../check.ts'
import type { NewObjects } from '../objects/new-objects.ts'
import { refHistory } from './ref-history.ts'
import { isTag, type RefusedRef } from './refused-ref.ts'

/** Returns the refused refs with what each is refused for: branches first, since a tag is moved to its branch's commit. */
export function refusedRefs<T>(
  push: IncomingPush,
  introduced: NewObjects,
  byRef: ReadonlyMap<string, readonly T[]>,
): { readonly refusedRef: RefusedRef; readonly group: readonly T[] }[] {
  const branches: RefusedRef[] = []
  return [...byRef]
    .sort(([a], [b]) => Number(isTag(a)) - Number(isTag(b)))
    .flatMap(([ref, group]) => {
      const command = push.commands.find(pushed => pushed.ref === ref)
      if (!command) return []
      const history = refHistory(command, introduced)
      const branch = isTag(ref)
        ? branches.find(refused => history && refused.history?.order.has(history.tip))
        : undefined
      const refusedRef: RefusedRef = { ref, displayName: ref, id: command.new, history, branch }
      if (!isTag(ref)) branches.push(refusedRef)
      return [{ refusedRef, group }]
    })
}
