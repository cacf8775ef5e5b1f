import { join } from 'node:path'
import type { Git } from '../../git/git.ts'
import { formatOf } from '../../git/objects/object-format.ts'
import { objectsIn, ownObjects } from '../../git/objects/object-lookup.ts'
import type { IncomingPush } from '../check.ts'
import { inBytes, LimitExceeded, type Limits } from '../limits.ts'
import { ObjectReader } from './object-reader.ts'

/**
 * Lists the received objects with their sizes in bytes before a check reads their content: the number and
 * sizes of its objects reveal a git bomb. Throws LimitExceeded past `limits`.
 */
export async function receivedObjects(
  { git, commands }: Pick<IncomingPush, 'git' | 'commands'>,
  limits: Limits,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const received = new Map<string, number>()
  const quarantine = git.env.GIT_OBJECT_DIRECTORY
  if (!quarantine) return received
  const ids = objectsIn(quarantine, formatOf(commands[0]?.new ?? ''), limits.maxObjects)
  if (!ids)
    throw new LimitExceeded(`it has more than ${limits.maxObjects} objects`, 'push it in smaller parts')
  if (ids.length === 0) return received
  await using objects = new ObjectReader(git, signal)
  for await (const info of objects.info(ids)) {
    if (!info) throw new Error('git does not find an object that it has received')
    const { id, type, size } = info
    received.set(id, size)
    if (type === 'tree' && size > limits.maxTreeBytes)
      throw new LimitExceeded(
        `a folder in it is listed in ${inBytes(size)}`,
        'spread the files over more folders',
      )
    if (type !== 'blob' && size > limits.maxTreeBytes)
      throw new LimitExceeded(`a ${type} in it is ${inBytes(size)} long`, 'shorten its message')
  }
  return received
}

/**
 * Returns the objects that the mirror lacked before this push. A client may send objects that the mirror
 * already has.
 */
export async function notInMirror(git: Git, ids: readonly string[], signal: AbortSignal): Promise<string[]> {
  const own = ids.length <= MAX_OWN_LOOKUPS ? ownObjects(git.dir, ids) : undefined
  const unknown = own ? ids.filter(id => !own.has(id)) : ids
  return unknown.length ? askMirror(git, unknown, signal) : []
}

/** From this many objects on, git's lookup is as fast as the companion's. */
const MAX_OWN_LOOKUPS = 200

async function askMirror(git: Git, ids: readonly string[], signal: AbortSignal): Promise<string[]> {
  const mirror = git.withEnv({
    GIT_OBJECT_DIRECTORY: join(git.dir, 'objects'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: '',
  })
  await using objects = new ObjectReader(mirror, signal)
  const missing: string[] = []
  let offset = 0
  for await (const info of objects.info(ids)) {
    const id = ids[offset++]
    if (!info && id) missing.push(id)
  }
  return missing
}
