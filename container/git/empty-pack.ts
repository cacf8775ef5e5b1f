import { createHash } from 'node:crypto'

/** A pack without objects (gitformat-pack(5)): its head, and its SHA-1. */
export const EMPTY_PACK = (() => {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1')
  return Buffer.concat([head, createHash('sha1').update(head).digest()])
})()
