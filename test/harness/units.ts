import { randomBytes } from 'node:crypto'

export const seconds = (n: number) => n * 1000

/** Returns `n` MiB of random bytes, which do not compress. */
export const megabytes = (n: number): Buffer => randomBytes(n << 20)
