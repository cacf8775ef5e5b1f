import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { isNullId } from '../../src/contract/names.ts'

/**
 * Reads the refs of a bare repository from their files (gitrepository-layout(5)), sorted by name, without a git
 * process. Undefined if git has to list them: they are not all direct refs in files, or they are many files.
 */
export async function readRefFiles(dir: string): Promise<Map<string, string> | undefined> {
  try {
    // Loose refs come first, as in git: a ref that is being packed is in its file or in packed-refs.
    const loose = await readLooseRefs(dir)
    const packed = loose && readPackedRefs((await readIfPresent(join(dir, 'packed-refs'))) ?? '')
    if (!loose || !packed) return undefined
    if (loose.size === 0) return packed
    for (const [ref, id] of loose) packed.set(ref, id)
    return new Map([...packed].sort(([one], [other]) => (one < other ? -1 : 1)))
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

/** Lines are `<id> <ref>`, `^<id>` with the target of the tag before, and comments. */
function readPackedRefs(text: string): Map<string, string> | undefined {
  const refs = new Map<string, string>()
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at)
    if (end < 0) return undefined
    const first = text[at]
    if (first !== '#' && first !== '^') {
      const space = ID_LENGTHS.find(length => text[at + length] === ' ')
      if (space === undefined) return undefined
      refs.set(text.slice(at + space + 1, end), text.slice(at, at + space))
    }
    at = end + 1
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
