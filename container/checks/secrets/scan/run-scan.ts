import { join } from 'node:path'
import { type Limits, OverLimit } from '../../limits.ts'
import type { Searchable } from '../../objects/new-objects.ts'
import type { Sharing } from '../bytes/budget.ts'
import { searchApart } from './child-client.ts'
import { type Found, type Search, search, type Watch } from './scan-job.ts'

/**
 * What is searched where the companion's sessions live: it takes some hundredths of a second of theirs. A process
 * takes a tenth of a second to start, and nobody else's time; so what is slow, for whatever reason, goes there too.
 */
const HERE: Partial<Limits> & Sharing = {
  maxBytes: 1 << 20,
  maxObjects: 1_000,
  maxUnpackedBytes: 1 << 20,
  maxUnpacks: 200,
  maxMs: 500,
}

/** Objects' names and places, not their contents, are what its heap is for. */
const HEAP_MB = 1_024

/** Searches a small push here, and a large one, or one that turns out to be, in a process of its own. */
export async function findSecrets(
  job: Omit<Search, 'partial'>,
  watch: Watch,
  { here = HERE, heapMb = HEAP_MB }: { readonly here?: Partial<Limits>; readonly heapMb?: number } = {},
): Promise<Found> {
  const { introduced, folder } = job
  const limits = { ...job.limits, ...here }
  if (count(introduced) <= limits.maxObjects)
    try {
      return await search({ ...job, limits, folder: join(folder, 'here'), partial: true }, watch)
    } catch (error) {
      if (!(error instanceof OverLimit)) throw error
    }
  return searchApart({ ...job, folder: join(folder, 'apart'), partial: false }, watch, heapMb)
}

const count = ({ commits, blobs, names, tags }: Searchable) =>
  commits.size + blobs.size + names.length + tags.length
