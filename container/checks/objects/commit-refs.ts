import { isDelete } from '../../git/command-list.ts'
import type { IncomingPush } from '../check.ts'
import type { NewObjects } from './new-objects.ts'
import { tagTarget } from './tag-target.ts'

type NewCommitsAndTags = Pick<NewObjects, 'commits' | 'tags'>

/** Maps a new commit or other object to the refs that bring it: bit i stands for the i-th pushed ref. */
const cache = new WeakMap<NewObjects['commits'], ReadonlyMap<string, bigint>>()

/**
 * Returns the refs of a push that bring a new commit (or another object by its id). Returns all pushed refs
 * when the object is unknown.
 */
export function refsContaining(push: IncomingPush, introduced: NewCommitsAndTags, commit: string): string[] {
  const tips = push.commands.filter(command => !isDelete(command))
  const bits = cache.get(introduced.commits) ?? computeRefBits(tips, introduced)
  cache.set(introduced.commits, bits)
  const own = bits.get(commit) ?? 0n
  const found = own === 0n ? tips : tips.filter((_, i) => (own >> BigInt(i)) & 1n)
  return found.map(command => command.ref)
}

/** Groups breaches of a rule by the refs that bring their commit. */
export function groupByRef<T extends { commit: string }>(
  push: IncomingPush,
  introduced: NewCommitsAndTags,
  breaches: readonly T[],
): Map<string, T[]> {
  const found = new Map<string, T[]>()
  for (const breach of breaches)
    for (const ref of refsContaining(push, introduced, breach.commit)) {
      const group = found.get(ref)
      if (group) group.push(breach)
      else found.set(ref, [breach])
    }
  return found
}

/** Walks the new commits once, children first: a commit belongs to every ref of each of its children. */
function computeRefBits(
  tips: IncomingPush['commands'],
  { commits, tags }: NewCommitsAndTags,
): Map<string, bigint> {
  const bits = new Map<string, bigint>()
  const add = (id: string, more: bigint) => {
    const own = bits.get(id)
    bits.set(id, own === undefined || own === more ? more : own | more)
  }
  const bitOf = new Map(tips.map(({ ref }, i) => [ref as string, 1n << BigInt(i)]))
  for (const { ref, new: id } of tips) add(id, bitOf.get(ref) ?? 0n)
  for (const { ref, id, content } of tags) {
    add(id, bitOf.get(ref) ?? 0n)
    add(tagTarget(content) ?? id, bitOf.get(ref) ?? 0n)
  }
  for (const [id, parents] of [...commits].reverse()) {
    const own = bits.get(id)
    if (own !== undefined) for (const parent of parents) if (commits.has(parent)) add(parent, own)
  }
  return bits
}
