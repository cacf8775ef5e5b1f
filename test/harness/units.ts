import { randomBytes } from 'node:crypto'

export const seconds = (n: number) => n * 1000

/** So many MB of bytes that no compression makes fewer. */
export const megabytes = (n: number): Buffer => randomBytes(n << 20)
