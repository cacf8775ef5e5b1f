import { createHash } from 'node:crypto'
import type { ObjectFormat } from './object-format.ts'

const HEAD = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1')

/** Returns a pack without objects (gitformat-pack(5)): its head, and the head's hash. */
export const emptyPack = (format: ObjectFormat): Buffer =>
  Buffer.concat([HEAD, createHash(format).update(HEAD).digest()])
