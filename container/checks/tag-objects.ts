import type { IncomingPush } from './check.ts'
import { OverLimit } from './limits.ts'
import { ObjectReader } from './object-reader.ts'
import { tagTarget } from './refs-with.ts'
import { printable } from './secrets/redact.ts'

/** A tag object or what it points at, met on the way from a ref to a commit. */
export interface TagObject {
  readonly id: string
  readonly ref: string
  readonly type: string
  readonly content: Buffer
}

/** What lies between these refs and a commit: tags, tags of tags, and what else than a commit the last one points at. */
export async function tagObjects(
  push: IncomingPush,
  tips: IncomingPush['commands'],
  signal: AbortSignal,
): Promise<TagObject[]> {
  const found: TagObject[] = []
  await using objects = new ObjectReader(push.git, signal)
  for (const tip of tips) {
    let id: string = tip.new
    for (let depth = 0; ; depth++) {
      if (depth > 20)
        throw new OverLimit(
          `${printable(tip.ref)} is a tag of a tag of a tag, more than 20 deep`,
          'tag the commit itself',
        )
      const info = (await objects.info([id]).next()).value
      if (!info) throw new Error(`object ${id} is missing`)
      if (info.type === 'commit') break
      if (info.type !== 'tag') {
        found.push({ id, ref: tip.ref, type: info.type, content: Buffer.alloc(0) })
        break
      }
      const tag = await objects.whole(id, 32 << 20)
      if (!tag) throw new Error(`tag ${id} cannot be read`)
      found.push({ id, ref: tip.ref, type: 'tag', content: tag.content })
      const target = tagTarget(tag.content)
      if (!target) throw new Error(`tag ${id} has no object`)
      id = target
    }
  }
  return found
}
