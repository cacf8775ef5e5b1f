import { inBytes, type Limits, OverLimit } from '../limits.ts'

/** What a push may still unpack; shared by everything in it. */
export class Budget {
  readonly #limits: Limits
  #bytes = 0
  #streams = 0
  constructor(limits: Limits) {
    this.#limits = limits
  }
  open(depth: number, path: string): void {
    if (depth > this.#limits.maxDepth)
      throw new OverLimit(
        `${path} is packed more than ${this.#limits.maxDepth} times over`,
        'push the files themselves, or fewer layers of archives',
      )
    if (++this.#streams > this.#limits.maxUnpacks)
      throw new OverLimit(
        `its archives hold more than ${this.#limits.maxUnpacks} files`,
        'push the files themselves, or smaller archives',
      )
  }
  spend(bytes: number, path: string): void {
    this.#bytes += bytes
    if (this.#bytes > this.#limits.maxUnpackedBytes)
      throw new OverLimit(
        `${path} and its other archives unpack to more than ${inBytes(this.#limits.maxUnpackedBytes)}`,
        'push smaller archives, or the files themselves',
      )
  }
}
