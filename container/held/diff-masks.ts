/** The secrets that a diff of a push must not show. */
export interface DiffMask {
  readonly secrets: readonly string[]
}

/** Limit of all masks together, in characters. */
const MAX_CHARACTERS = 4 << 20

/**
 * The masks of refused pushes with secrets, by push id. They are in memory alone, so that no secret is on disk in plain
 * text: the text of such a diff is not shown after a restart, nor of the oldest pushes beyond the limit.
 */
export class DiffMasks {
  readonly #masks = new Map<string, DiffMask>()
  #characters = 0

  set(id: string, mask: DiffMask): void {
    this.#masks.set(id, mask)
    this.#characters += lengthOf(mask)
    // A map iterates in the order of insertion.
    for (const oldest of this.#masks.keys()) {
      if (this.#characters <= MAX_CHARACTERS) return
      this.delete(oldest)
    }
  }

  get(id: string): DiffMask | undefined {
    return this.#masks.get(id)
  }

  delete(id: string): void {
    const mask = this.#masks.get(id)
    if (!mask) return
    this.#masks.delete(id)
    this.#characters -= lengthOf(mask)
  }
}

const lengthOf = ({ secrets }: DiffMask) => secrets.reduce((sum, { length }) => sum + length, 0)
