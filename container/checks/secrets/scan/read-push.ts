import type { Git } from '../../../git/git.ts'
import { LARGE_BLOB_BYTES } from '../../../git/objects/whole-blob.ts'
import { GateFault } from '../../check.ts'
import { inBytes, LimitExceeded, type Limits } from '../../limits.ts'
import type { ScanTargets } from '../../objects/new-objects.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import { sanitizeForAgent } from '../../sanitize-text.ts'
import { lazySource, memorySource, SEGMENT_BYTES, type Source, spool } from '../bytes/byte-source.ts'
import type { ScanItem } from '../gitleaks/scan-files.ts'
import { scanNameFor } from '../gitleaks/scan-names.ts'
import type { Predecessors } from '../new-text/predecessors.ts'

/** Receives the places of one content, and the content. */
export type AddContent = (items: readonly ScanItem[], source: Source) => Promise<void>

export interface ReadOptions {
  readonly git: Git
  readonly newObjects: ScanTargets
  readonly predecessors: Predecessors
  readonly pushOptions: readonly string[]
  readonly limits: Limits
  /** A folder for temporary files. */
  readonly folder: string
  readonly signal: AbortSignal
  readonly onPhase: (phase: string) => void
}

/** Reads every content that the push introduces: names, refs, push options, tags, commits and files. Throws LimitExceeded. */
export async function readPush(
  objects: ObjectReader,
  options: ReadOptions & { readonly sizes: ReadonlyMap<string, number> },
  add: AddContent,
): Promise<void> {
  await readNames(options.newObjects, add)
  await readPushOptions(options.pushOptions, add)
  await readTags(options.newObjects, add)
  await readCommits(objects, options, add)
  await readFiles(objects, placesByBlob(options.newObjects), options, add)
}

/** Reads some of the push's files again. */
export async function readAgain(
  objects: ObjectReader,
  ids: ReadonlySet<string>,
  options: ReadOptions,
  add: AddContent,
): Promise<void> {
  const blobs = new Map([...placesByBlob(options.newObjects)].filter(([id]) => ids.has(id)))
  await readFiles(objects, blobs, options, add)
}

async function readNames({ names, refs }: ScanTargets, add: AddContent): Promise<void> {
  for (const { commit, path } of names)
    await add([{ commit, path, kind: 'file name' }], memorySource(Buffer.from(`${path}\n`)))
  for (const ref of refs)
    await add(
      [{ commit: '', path: 'ref name', kind: 'ref name', ref }],
      memorySource(Buffer.from(`${ref}\n`)),
    )
}

async function readPushOptions(options: readonly string[], add: AddContent): Promise<void> {
  for (const option of options) {
    // A pull request's body writes a line break as \n, and a secret can begin after it.
    const text = option.includes('\\n') ? `${option}\n${option.replaceAll('\\n', '\n')}\n` : `${option}\n`
    await add([{ commit: '', path: 'push option', kind: 'push option' }], memorySource(Buffer.from(text)))
  }
}

async function readTags({ tags }: ScanTargets, add: AddContent): Promise<void> {
  for (const tag of tags)
    if (tag.type === 'tag')
      await add(
        [{ commit: tag.id, path: tagPath(tag.ref), kind: 'tag', ref: tag.ref }],
        memorySource(tag.content),
      )
}

const tagPath = (ref: string) => `tag ${ref.replace(/^refs\/tags\//, '')}`

async function readCommits(
  objects: ObjectReader,
  { newObjects, limits, onPhase }: ReadOptions,
  add: AddContent,
): Promise<void> {
  let done = 0
  const commits = [...newObjects.commits.keys()]
  for await (const commit of objects.contents(commits, limits.maxTreeBytes + 1)) {
    onPhase(`reading commit ${++done} of ${commits.length}`)
    const chunks: Buffer[] = []
    for await (const chunk of commit.parts) chunks.push(chunk)
    const { header, message } = commitParts(Buffer.concat(chunks))
    await add([{ commit: commit.id, path: 'commit message', kind: 'commit message' }], memorySource(message))
    await add([{ commit: commit.id, path: 'commit header', kind: 'commit header' }], memorySource(header))
  }
  if (done !== commits.length) throw new GateFault('the gate could not read every commit of this push')
}

/** Splits a commit. The tree and parent lines that git wrote are left out; later lines of such names are kept. */
function commitParts(content: Buffer): { header: Buffer; message: Buffer } {
  const end = content.indexOf('\n\n')
  const header = (end < 0 ? content : content.subarray(0, end + 1))
    .toString('latin1')
    .replace(/^tree [0-9a-f]{40,64}\n(?:parent [0-9a-f]{40,64}\n)*/, '')
  return {
    header: Buffer.from(header, 'latin1'),
    message: end < 0 ? Buffer.alloc(0) : content.subarray(end + 2),
  }
}

async function readFiles(
  objects: ObjectReader,
  blobs: ReadonlyMap<string, readonly ScanItem[]>,
  { folder, onPhase, sizes }: ReadOptions & { sizes?: ReadonlyMap<string, number> },
  add: AddContent,
): Promise<void> {
  let done = 0
  const take = async (id: string, source: Source) => {
    onPhase(`reading file ${++done} of ${blobs.size}`)
    const items = blobs.get(id)
    if (!items) throw new Error('git cat-file printed an object that was not requested')
    try {
      await add(onePerScanName(items), source)
    } finally {
      await source.dispose()
    }
  }
  const others: string[] = []
  for (const id of blobs.keys()) {
    const size = sizes?.get(id) ?? 0
    // Of a file with a delta, its change may be all that is read.
    if (size >= LARGE_BLOB_BYTES && size <= SEGMENT_BYTES)
      await take(
        id,
        lazySource(size, () => largeContent(objects, id)),
      )
    else others.push(id)
  }
  for await (const { id, parts } of objects.contents(others, SEGMENT_BYTES))
    await take(id, await spool(parts, folder))
  if (done !== blobs.size) throw new GateFault('the gate could not read every file of this push')
}

async function largeContent(objects: ObjectReader, id: string): Promise<Buffer> {
  const content = await objects.blob(id, SEGMENT_BYTES)
  if (!content) throw new Error(`object ${id} is missing`)
  return content
}

/** Returns the places of every new blob: those in commits, or else the tag that names it. */
function placesByBlob({ blobs, tags }: ScanTargets): ReadonlyMap<string, readonly ScanItem[]> {
  const items = new Map<string, ScanItem[]>()
  for (const [id, places] of blobs)
    items.set(
      id,
      places.map(({ commit, path }) => ({ commit, path, kind: 'file', blob: id })),
    )
  for (const { id, ref, type } of tags)
    if (type === 'blob' && !items.has(id))
      items.set(id, [{ commit: id, path: tagPath(ref), kind: 'tag', ref, blob: id }])
  return items
}

/** A file that replaces another is compared with it, in the time of a scan of a file that is shorter by this factor. */
const COMPARED_PER_SCANNED = 8

/** Returns the bytes whose scan takes as long as that of a file, or of a file that replaces another. */
export const bytesToScan = (size: number, isReplacing: boolean): number =>
  isReplacing ? size / COMPARED_PER_SCANNED : size

/** Returns the size of each file. Throws LimitExceeded when a file, or all files together, are too large. */
export async function checkSizes(
  objects: ObjectReader,
  { newObjects, limits, predecessors }: Pick<ReadOptions, 'newObjects' | 'limits' | 'predecessors'>,
): Promise<ReadonlyMap<string, number>> {
  const blobs = placesByBlob(newObjects)
  const ids = [...blobs.keys()]
  const sizes = new Map<string, number>()
  let checked = 0
  let bytes = 0
  for await (const info of objects.info(ids)) {
    const id = ids[checked++] ?? ''
    if (info?.type !== 'blob') throw new Error(`object ${id} is not a blob`)
    sizes.set(id, info.size)
    if (info.size > limits.maxBlobBytes)
      throw new LimitExceeded(
        `${sanitizeForAgent(blobs.get(id)?.[0]?.path ?? '')} is ${inBytes(info.size)}, more than ${inBytes(limits.maxBlobBytes)}`,
        'keep large files elsewhere, for example in Git LFS',
      )
    bytes += bytesToScan(info.size, predecessors.has(id))
    if (bytes > limits.maxBytes)
      throw new LimitExceeded(
        `its files hold more than ${inBytes(limits.maxBytes)}`,
        'push it in smaller parts',
      )
  }
  return sizes
}

/** Returns one place of a blob for each scan name. The other places would give the same matches. */
function onePerScanName(items: readonly ScanItem[]): ScanItem[] {
  const byName = new Map<string, ScanItem>()
  for (const item of items) {
    const name = scanNameFor(item.path)
    if (!byName.has(name)) byName.set(name, item)
  }
  return [...byName.values()]
}
