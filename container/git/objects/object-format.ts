/** The object format of a repository: the hash of its object ids (git-init(1), --object-format). */
export type ObjectFormat = 'sha1' | 'sha256'

/** The object format of an id. */
export const formatOf = (id: string): ObjectFormat => (id.length === 64 ? 'sha256' : 'sha1')

/** The object format, in words. */
export const FORMAT_NAME = { sha1: 'SHA-1', sha256: 'SHA-256' } as const

/** The ids of the empty tree. */
export const EMPTY_TREE = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
} as const

/** The ids that stand for no object. */
export const NULL_ID = { sha1: '0'.repeat(40), sha256: '0'.repeat(64) } as const
