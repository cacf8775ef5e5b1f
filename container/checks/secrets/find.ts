import { join } from 'node:path'
import type { Introduced } from '../introduced.ts'
import { type Limits, OverLimit } from '../limits.ts'
import { type Found, type Search, search, type Watch } from './search.ts'
import { searchInThread } from './thread.ts'

/**
 * What is searched where the companion's sessions live: it takes some hundredths of a second of theirs. A thread
 * takes a quarter of a second to start, and nobody else's time.
 */
const HERE: Partial<Limits> = {
  maxBytes: 1 << 20,
  maxObjects: 1_000,
  maxUnpackedBytes: 1 << 20,
  maxUnpacks: 200,
}

/** Searches a small push here, and a large one, or one that turns out to be, in a thread of its own. */
export async function findSecrets(
  job: Omit<Search, 'partial'>,
  watch: Watch,
  here: Partial<Limits> = HERE,
): Promise<Found> {
  const { introduced, folder } = job
  const limits = { ...job.limits, ...here }
  if (count(introduced) <= limits.maxObjects)
    try {
      return await search({ ...job, limits, folder: join(folder, 'here'), partial: true }, watch)
    } catch (error) {
      if (!(error instanceof OverLimit)) throw error
    }
  return searchInThread({ ...job, folder: join(folder, 'thread'), partial: false }, watch)
}

const count = ({ commits, blobs, names, tags }: Omit<Introduced, 'entries'>) =>
  commits.size + blobs.size + names.length + tags.length
