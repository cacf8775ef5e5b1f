import { open, readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { isNullId } from '../../src/contract/names.ts'

/**
 * Reads the refs of a bare repository from their files (gitrepository-layout(5)), sorted by name, without a git
 * process. Undefined if git has to list them: they are not all direct refs in files, or they are many files.
 */
export async function readRefFiles(dir: string): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    // Loose refs come first, as in git: a ref that is being packed is in its file or in packed-refs.
    const loose = await readLooseRefs(dir)
    const path = join(dir, 'packed-refs')
    const packed = loose && (await packedRefs(path))
    if (!loose || !packed) return undefined
    return merge(path, packed, loose)
  } catch {
    // A repository in the reftable format has no folder of refs.
    return undefined
  }
}

/** The most files of refs that are read: all of them are open at the same time. */
const MAX_LOOSE = 500

async function readLooseRefs(dir: string): Promise<Map<string, string> | undefined> {
  const entries = await readdir(join(dir, 'refs'), { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => !entry.isDirectory() && !entry.name.endsWith('.lock'))
  if (files.length > MAX_LOOSE || !files.every(entry => entry.isFile())) return undefined
  const read = await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name)
      return [relative(dir, path), await readIfPresent(path)] as const
    }),
  )
  const refs = new Map<string, string>()
  for (const [ref, content] of read) {
    // A name that is not UTF-8 finds no file.
    if (ref.includes('\ufffd')) return undefined
    // The ref was deleted or packed meanwhile.
    if (content === undefined) continue
    const id = /^([0-9a-f]{40}(?:[0-9a-f]{24})?)\n$/.exec(content)?.[1]
    if (id === undefined || isNullId(id)) return undefined
    refs.set(ref, id)
  }
  return refs
}

/** The refs of a repository with many packed refs, and the state of its files that they were read from. */
interface CachedRefs {
  /** The identity of packed-refs: git replaces it by another file. */
  readonly stamp: string
  readonly packed: ReadonlyMap<string, string>
  /** The loose refs and their ids, as text. */
  readonly loose: string
  readonly all: ReadonlyMap<string, string>
}

/** The least recently read first. A push reads the refs of its mirror several times. */
const cache = new Map<string, CachedRefs>()
const MAX_CACHED = 4
const MIN_CACHED_REFS = 1_000
const MAX_CACHED_REFS = 200_000

function merge(
  path: string,
  { stamp, refs: packed }: PackedRefs,
  loose: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  if (packed.size < MIN_CACHED_REFS || packed.size > MAX_CACHED_REFS) return inOrder(packed, loose)
  const text = [...loose].join(' ')
  const cached = cache.get(path)
  const isSame = cached?.stamp === stamp && cached.loose === text
  const all = isSame ? cached.all : inOrder(packed, loose)
  cache.delete(path)
  cache.set(path, { stamp, packed, loose: text, all })
  const [oldest = ''] = cache.size > MAX_CACHED ? cache.keys() : []
  cache.delete(oldest)
  return all
}

/** Adds the loose refs, of which there are few, to the packed refs, which are sorted by name. */
function inOrder(
  packed: ReadonlyMap<string, string>,
  loose: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const added = [...loose]
    .filter(([ref]) => !packed.has(ref))
    .sort(([left], [right]) => (left < right ? -1 : 1))
  if (added.length === 0) {
    const all = new Map(packed)
    for (const [ref, id] of loose) all.set(ref, id)
    return all
  }
  const all = new Map<string, string>()
  let next = added.shift()
  for (const [ref, id] of packed) {
    for (; next && next[0] < ref; next = added.shift()) all.set(...next)
    all.set(ref, loose.get(ref) ?? id)
  }
  for (; next; next = added.shift()) all.set(...next)
  return all
}

interface PackedRefs extends Pick<CachedRefs, 'stamp'> {
  readonly refs: ReadonlyMap<string, string>
}

async function packedRefs(path: string): Promise<PackedRefs | undefined> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!file) return { stamp: '', refs: new Map() }
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true })
    const stamp = [dev, ino, size, mtimeNs, ctimeNs].join(' ')
    const cached = cache.get(path)
    if (cached?.stamp === stamp) return { stamp, refs: cached.packed }
    const refs = readPackedRefs(await file.readFile('utf8'))
    return refs && { stamp, refs }
  } finally {
    await file.close()
  }
}

/** Lines are `<id> <ref>`, `^<id>` with the target of the tag before, and comments. */
function readPackedRefs(text: string): Map<string, string> | undefined {
  const refs = new Map<string, string>()
  for (let offset = 0; offset < text.length; ) {
    const end = text.indexOf('\n', offset)
    if (end < 0) return undefined
    const first = text[offset]
    if (first !== '#' && first !== '^') {
      const space = ID_LENGTHS.find(length => text[offset + length] === ' ')
      if (space === undefined) return undefined
      refs.set(text.slice(offset + space + 1, end), text.slice(offset, offset + space))
    }
    offset = end + 1
  }
  return refs
}

/** The lengths of SHA-1 and SHA-256 ids. */
const ID_LENGTHS = [40, 64]

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
