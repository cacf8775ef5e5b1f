import { randomBytes } from 'node:crypto'
import { type LfsScene, objectOf } from '../fixtures/lfs-scene.ts'
import type { LfsFault } from './lfs-faults.ts'

const COUNT = 1_000

/** The uploads of a client at once: git-lfs' lfs.concurrenttransfers. */
const AT_ONCE = 8

/** As many objects as one push may bring. Every object has to reach upstream. */
export const MANY_OBJECTS: LfsFault = {
  words: '1,000 objects in one push (since its first)',
  async run({ batch, upload, server }: LfsScene) {
    const since = Date.now()
    const all = Array.from({ length: COUNT }, () => randomBytes(1_000))
    const last = all.at(-1) ?? Buffer.alloc(0)
    await batch('upload', all.map(objectOf))
    const statuses = new Set<number>()
    let next = 0
    const uploadEach = async () => {
      for (let bytes = all[next++]; bytes; bytes = all[next++]) statuses.add((await upload(bytes)).status)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, uploadEach))
    const missing = all.filter(bytes => !server.has(objectOf(bytes).oid)).length
    if (missing > 0 || statuses.size > 1)
      throw new Error(`upstream lacks ${missing} objects; answers: ${[...statuses].join(', ')}`)
    return { bytes: last, since, answer: { status: [...statuses][0] ?? 0, message: '' } }
  },
}
