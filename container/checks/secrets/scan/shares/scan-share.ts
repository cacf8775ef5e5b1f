import type { ObjectReader } from '../../../objects/object-reader.ts'
import type { Budget } from '../../bytes/budget.ts'
import type { Source } from '../../bytes/byte-source.ts'
import type { LocatedMatch } from '../../gitleaks/locate.ts'
import type { ScanItem } from '../../gitleaks/scan-files.ts'
import { NewParts, type Part } from '../../new-text/new-parts.ts'
import type { Batches } from '../batches.ts'
import { type ReadOptions, readPush } from '../read-push.ts'

export interface ShareResult {
  readonly matches: readonly LocatedMatch[]
  /** The files that were scanned in part. */
  readonly partial: readonly string[]
}

export interface ShareOptions extends ReadOptions {
  /** The operator's configuration. */
  readonly gitleaksConfig: string
  readonly sizes: ReadonlyMap<string, number>
  readonly budget: Budget
}

/** Scans the contents of a share: of a file that replaces another, the parts that the other does not have. */
export async function scanShare(
  objects: ObjectReader,
  batches: Batches,
  options: ShareOptions,
): Promise<ShareResult> {
  const partial: string[] = []
  await using newParts = new NewParts(options)
  await newParts.readAhead(objects, options)
  await readPush(objects, options, async (items, source) => {
    const { blob, path = '' } = items[0] ?? {}
    const parts = blob === undefined ? undefined : await newParts.partsOf(blob, path, source)
    if (blob !== undefined && parts) partial.push(blob)
    await addViews(batches, items, parts ?? wholeOf(source), options)
  })
  return { matches: await batches.finish(), partial }
}

export const wholeOf = (source: Source): Part[] => [{ source, firstLine: 1 }]

/** Adds the views of the parts of a content to the batches. */
export async function addViews(
  batches: Batches,
  items: readonly ScanItem[],
  parts: readonly Part[],
  { folder, budget, signal }: Pick<ShareOptions, 'folder' | 'budget' | 'signal'>,
): Promise<void> {
  const path = items[0]?.path ?? ''
  for (const { source, firstLine } of parts)
    await batches.addViews(items, source, { path, folder, budget, signal, firstLine })
}
