import { join } from 'node:path'
import type { Git } from '../../git/git.ts'
import { ownObjects } from '../../git/objects/object-lookup.ts'
import { inBytes, LimitExceeded, type Limits } from '../limits.ts'
import { lines } from './git-lines.ts'
import { ObjectReader } from './object-reader.ts'

/**
 * Lists the received objects with their sizes in bytes before a check reads their content: the number and
 * sizes of its objects reveal a git bomb. Throws LimitExceeded past `limits`.
 */
export async function receivedObjects(
  git: Git,
  limits: Limits,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const quarantine = git.env.GIT_OBJECT_DIRECTORY
  const received = new Map<string, number>()
  let count = 0
  if (!quarantine) return received
  await lines(
    git,
    [
      'cat-file',
      '--batch-all-objects',
      '--unordered',
      '--buffer',
      '--batch-check=%(objecttype) %(objectsize) %(objectname)',
    ],
    { signal, end: 10, env: { GIT_ALTERNATE_OBJECT_DIRECTORIES: '' } },
    line => {
      const [type, size, id] = line.toString('latin1').split(' ')
      if (id) received.set(id, Number(size))
      if (++count > limits.maxObjects)
        throw new LimitExceeded(`it has more than ${limits.maxObjects} objects`, 'push it in smaller parts')
      if (type === 'tree' && Number(size) > limits.maxTreeBytes)
        throw new LimitExceeded(
          `a folder in it is listed in ${inBytes(Number(size))}`,
          'spread the files over more folders',
        )
      if (type !== 'blob' && Number(size) > limits.maxTreeBytes)
        throw new LimitExceeded(`a ${type} in it is ${inBytes(Number(size))} long`, 'shorten its message')
    },
  )
  return received
}

/**
 * Returns the objects that the mirror lacked before this push. A client may send objects that the mirror
 * already has.
 */
export async function missingIn(git: Git, ids: readonly string[], signal: AbortSignal): Promise<string[]> {
  const own = ids.length <= MAX_OWN_LOOKUPS ? ownObjects(git.dir, ids) : undefined
  const unknown = own ? ids.filter(id => !own.has(id)) : ids
  return unknown.length ? askMirror(git, unknown, signal) : []
}

/** From this many objects on, git's lookup is as fast as the companion's. */
const MAX_OWN_LOOKUPS = 200

async function askMirror(git: Git, ids: readonly string[], signal: AbortSignal): Promise<string[]> {
  const mirror = { GIT_OBJECT_DIRECTORY: join(git.dir, 'objects'), GIT_ALTERNATE_OBJECT_DIRECTORIES: '' }
  await using objects = new ObjectReader(git, signal, mirror)
  const missing: string[] = []
  let at = 0
  for await (const info of objects.info(ids)) {
    const id = ids[at++]
    if (!info && id) missing.push(id)
  }
  return missing
}
