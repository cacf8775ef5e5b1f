import { join } from 'node:path'
import { LimitExceeded } from '../../limits.ts'
import type { ScanTargets } from '../../objects/new-objects.ts'
import { ObjectReader } from '../../objects/object-reader.ts'
import { Budget } from '../bytes/budget.ts'
import { memorySource } from '../bytes/byte-source.ts'
import type { ScanConfig } from '../gitleaks/config.ts'
import type { LocatedMatch } from '../gitleaks/locate.ts'
import type { ScanItem } from '../gitleaks/scan-files.ts'
import { scanNameFor } from '../gitleaks/scan-names.ts'
import { carriedSecrets } from '../new-text/carried-secrets.ts'
import { partsAround } from '../new-text/new-parts.ts'
import { Batches, type BatchOptions } from './batches.ts'
import type { CleanScan } from './clean-objects.ts'
import { lfsPath, readLfsObjects, type StoredObject } from './read-lfs-objects.ts'
import { checkSizes, type ReadOptions, readAgain } from './read-push.ts'
import { addViews, scanShare, wholeOf } from './shares/scan-share.ts'
import { type ShareJob, scanShareInThread } from './shares/share-client.ts'
import { sharesOf } from './shares/shares.ts'

interface ScanOptions extends ReadOptions, BatchOptions {
  /** The operator's configuration, for another thread. */
  readonly gitleaksConfig: string
  readonly config: ScanConfig
  /** The bytes of files from which on two threads scan them. */
  readonly minSharedBytes?: number | undefined
  /** LFS objects, which are scanned in the place of a push. */
  readonly lfsObjects?: readonly StoredObject[] | undefined
  /** Texts, which are scanned in the place of a push. */
  readonly texts?: readonly string[] | undefined
  /** Returns whether a match is more than a false alarm. */
  readonly isSecret: (match: LocatedMatch) => boolean
  /** The objects that need no scan, and the memory of those that this scan finds clean. */
  readonly clean?: CleanScan | undefined
}

/** The most matches of a push, over all places; more are refused. */
const MAX_FINDINGS = 100_000

/**
 * Scans every new content with gitleaks, in every view. Of a file that replaces another, this is what the other does not
 * have. Returns one match for each place of the content that holds it. Throws LimitExceeded or GateFault.
 */
export async function scan(options: ScanOptions): Promise<LocatedMatch[]> {
  const stop = new AbortController()
  const stoppable = { ...options, signal: AbortSignal.any([options.signal, stop.signal]) }
  const batches = new Batches(stoppable)
  try {
    const { lfsObjects, texts } = options
    if (lfsObjects) return await scanLfsObjects(stoppable, lfsObjects, batches)
    if (texts) return await scanTexts(stoppable, texts, batches)
    return expandToAllPaths(await scanContents(stoppable, batches, stop), options.newObjects)
  } finally {
    stop.abort()
    await batches.settled()
  }
}

async function scanContents(
  options: ScanOptions,
  batches: Batches,
  stop: AbortController,
): Promise<LocatedMatch[]> {
  const { predecessors, newObjects, clean } = options
  const budget = new Budget(options.limits)
  await using objects = new ObjectReader(options.git, options.signal)
  const targets = { ...options, newObjects: clean?.remaining ?? newObjects }
  const sizes = await checkSizes(objects, targets)
  const { own, other } = sharesOf(targets.newObjects, { ...options, sizes })
  const shares = [scanShare(objects, batches, { ...options, newObjects: own, sizes, budget })]
  if (other)
    shares.push(scanShareInThread(shareJob(options, other, { sizes, counts: budget.counts }), options))
  const results = await allOf(shares, stop)
  const matches = results.flatMap(share => share.matches)
  const partial = new Set([...(clean?.partial ?? []), ...results.flatMap(share => share.partial)])
  const found = matches.filter(match => options.isSecret(match) || hasOtherPaths(match, newObjects))
  clean?.remember(found, partial)
  const carried = carriedSecrets(newObjects.blobs.keys(), { partial, predecessors, matches: found })
  if (carried.size === 0) return matches
  await readAgain(objects, new Set(carried.keys()), options, async (items, source) => {
    const { blob = '', path = '' } = items[0] ?? {}
    const parts = await partsAround(carried.get(blob), path, source, { ...options, budget })
    await addViews(batches, items, parts ?? wholeOf(source), { ...options, budget })
  })
  return withoutRepeats([...matches, ...(await batches.finish())])
}

/** Returns the job of the thread that scans these files. */
function shareJob(
  { git, gitleaksConfig, gitleaks, config, limits, folder, predecessors }: ScanOptions,
  newObjects: ScanTargets,
  { sizes, counts }: Pick<ShareJob, 'sizes' | 'counts'>,
): ShareJob {
  const ofShare = <T>(map: ReadonlyMap<string, T>) =>
    new Map([...map].filter(([id]) => newObjects.blobs.has(id)))
  return {
    git: { dir: git.dir, env: git.env },
    gitleaksConfig,
    gitleaks,
    rules: config.rules,
    limits,
    folder: join(folder, 'share'),
    newObjects,
    predecessors: ofShare(predecessors),
    sizes: ofShare(sizes),
    counts,
  }
}

/** Resolves with all results. The first failure stops the rest and is thrown when all have ended. */
async function allOf<T>(works: readonly Promise<T>[], stop: AbortController): Promise<T[]> {
  for (const work of works) work.catch(error => stop.abort(error))
  await Promise.allSettled(works)
  stop.signal.throwIfAborted()
  return Promise.all(works)
}

async function scanLfsObjects(
  { folder, signal, limits }: ScanOptions,
  objects: readonly StoredObject[],
  batches: Batches,
): Promise<LocatedMatch[]> {
  const budget = new Budget(limits)
  await readLfsObjects(objects, limits, async (items, source) => {
    const path = items[0]?.path ?? ''
    const skipsArchives = objects.some(object => object.isLarge && lfsPath(object) === path)
    await batches.addViews(items, source, { path, folder, budget, signal, skipsArchives })
  })
  return batches.finish()
}

async function scanTexts(
  { folder, signal, limits }: ScanOptions,
  texts: readonly string[],
  batches: Batches,
): Promise<LocatedMatch[]> {
  const budget = new Budget(limits)
  const item = { commit: '', path: 'text', kind: 'host call' } as const
  for (const text of texts)
    await batches.addViews([item], memorySource(Buffer.from(`${text}\n`)), {
      path: item.path,
      folder,
      budget,
      signal,
    })
  return batches.finish()
}

/** Returns whether a match's file has other paths too: a false alarm at one path can be none at another. */
const hasOtherPaths = ({ item }: LocatedMatch, { blobs }: Pick<ScanTargets, 'blobs'>): boolean =>
  (blobs.get(item.blob ?? '') ?? []).some(({ path }) => path !== item.path)

/** Returns each match once: a part of a file may have been scanned twice. */
function withoutRepeats(matches: readonly LocatedMatch[]): LocatedMatch[] {
  const byPlace = new Map<string, LocatedMatch>()
  for (const match of matches) {
    const { rule, item, line, encodings, archivePath, secret } = match
    const place = JSON.stringify([item, rule, line, encodings, archivePath, secret])
    if (!byPlace.has(place)) byPlace.set(place, match)
  }
  return [...byPlace.values()]
}

/**
 * Repeats a match for every place of its blob that was scanned with it, since an exception or an allowed path covers
 * one place only.
 */
function expandToAllPaths(
  matches: readonly LocatedMatch[],
  { blobs }: Pick<ScanTargets, 'blobs'>,
): LocatedMatch[] {
  const expanded: LocatedMatch[] = []
  const placesByItem = new Map<ScanItem, readonly ScanItem[]>()
  const placesWithSameName = (item: ScanItem) => {
    const places = item.kind === 'file' && item.blob !== undefined ? (blobs.get(item.blob) ?? []) : []
    const same = places.filter(({ path }) => scanNameFor(path) === scanNameFor(item.path))
    return same.length > 1 ? same.map(({ commit, path }) => ({ ...item, commit, path })) : [item]
  }
  for (const match of matches) {
    const items = placesByItem.get(match.item) ?? placesWithSameName(match.item)
    placesByItem.set(match.item, items)
    if (expanded.length + items.length > MAX_FINDINGS)
      throw new LimitExceeded(`it holds more than ${MAX_FINDINGS} secrets`, 'push it in smaller parts')
    for (const item of items) expanded.push(item === match.item ? match : { ...match, item })
  }
  return expanded
}
