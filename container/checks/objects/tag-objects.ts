import type { IncomingPush } from '../check.ts'
import { inBytes, LimitExceeded } from '../limits.ts'
import { sanitizeForAgent } from '../sanitize-text.ts'
import { ObjectReader } from './object-reader.ts'
import { tagTarget } from './tag-target.ts'

/**
 * The limit for one tag, and for the sum over the refs of a push, in bytes. All tags are in memory at once.
 */
const MAX_TAG_BYTES = 32 << 20

/** A tag object, or the target of a tag, on the path from a ref to a commit. */
export interface TagObject {
  readonly id: string
  readonly ref: string
  readonly type: string
  readonly content: Buffer
}

/**
 * Follows these refs to their commits and returns the objects on the path: tags, nested tags, and a last
 * target that is no commit. Throws LimitExceeded past 20 levels or MAX_TAG_BYTES.
 */
export async function tagObjects(
  push: IncomingPush,
  tips: IncomingPush['commands'],
  signal: AbortSignal,
): Promise<TagObject[]> {
  const found: TagObject[] = []
  let bytes = 0
  await using objects = new ObjectReader(push.git, signal)
  for (const tip of tips) {
    let id: string = tip.new
    for (let depth = 0; ; depth++) {
      if (depth > 20)
        throw new LimitExceeded(
          `${sanitizeForAgent(tip.ref)} is a tag of a tag of a tag, more than 20 deep`,
          'tag the commit itself',
        )
      const info = (await objects.info([id]).next()).value
      if (!info) throw new Error(`object ${id} is missing`)
      if (info.type === 'commit') break
      if (info.type !== 'tag') {
        found.push({ id, ref: tip.ref, type: info.type, content: Buffer.alloc(0) })
        break
      }
      const tag = await objects.whole(id, MAX_TAG_BYTES)
      if (!tag) throw new Error(`tag ${id} cannot be read`)
      bytes += tag.content.length
      if (bytes > MAX_TAG_BYTES)
        throw new LimitExceeded(
          `its tags hold more than ${inBytes(MAX_TAG_BYTES)}, all together`,
          'push fewer of them at once',
        )
      found.push({ id, ref: tip.ref, type: 'tag', content: tag.content })
      const target = tagTarget(tag.content)
      if (!target) throw new Error(`tag ${id} has no object`)
      id = target
    }
  }
  return found
}
