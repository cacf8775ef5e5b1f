import { LfsObject } from '../../src/contract/lfs.ts'

/** git-lfs reads no pointer from a file of this size or more, in bytes (git-lfs docs/spec.md, "The Pointer"). */
export const MAX_POINTER_BYTES = 1024

/** The shortest pointer, in bytes: the version, an object id and a size of one digit. */
export const MIN_POINTER_BYTES = 120

const VERSION =
  /^version (?:https:\/\/git-lfs\.github\.com\/spec\/v1|http:\/\/git-media\.io\/v\/2|https:\/\/hawser\.github\.com\/spec\/v1)$/

/** Parses a Git LFS pointer file, as git-lfs does. Returns undefined for any other content. */
export function parseLfsPointer(content: Buffer): LfsObject | undefined {
  if (content.length >= MAX_POINTER_BYTES || !content.subarray(0, 8).equals(VERSION_KEY)) return undefined
  const [version = '', ...rest] = content.toString('utf8').trim().split('\n')
  if (!VERSION.test(version.trim())) return undefined
  const values = new Map(
    rest.map(line => {
      const space = line.indexOf(' ')
      return [line.slice(0, space), line.slice(space + 1).trim()] as const
    }),
  )
  const [, oid] = /^sha256:([0-9a-f]{64})$/.exec(values.get('oid') ?? '') ?? []
  const size = values.get('size') ?? ''
  if (oid === undefined || !/^\d{1,16}$/.test(size)) return undefined
  return LfsObject.safeParse({ oid, size: Number(size) }).data
}

const VERSION_KEY = Buffer.from('version ')
