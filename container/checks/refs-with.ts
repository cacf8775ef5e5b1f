import { isDelete } from '../commands.ts'
import type { IncomingPush } from './check.ts'
import type { Introduced } from './introduced.ts'

/** The refs of a push that bring a new commit (or another object by its id); all of them when none is known to. */
export function refsWith(push: IncomingPush, { commits, tags }: Introduced, commit: string): string[] {
  const tips = push.commands.filter(command => !isDelete(command))
  const above = new Set([commit])
  for (const [id, parents] of commits) if (parents.some(parent => above.has(parent))) above.add(id)
  const found = tips.filter(
    command =>
      above.has(command.new) ||
      tags.some(
        tag => tag.ref === command.ref && (above.has(tag.id) || above.has(tagTarget(tag.content) ?? '')),
      ),
  )
  return (found.length ? found : tips).map(command => command.ref)
}

/** The object that a tag object names first (git-mktag(1)). */
export const tagTarget = (tag: Buffer) => /^object ([0-9a-f]+)\n/.exec(tag.toString('latin1', 0, 100))?.[1]
