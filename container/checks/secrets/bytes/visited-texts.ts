import { hash } from 'node:crypto'
import { LimitExceeded } from '../../limits.ts'

/** So many decoded texts are looked at in any file, however short it is. */
const MIN_TEXTS = 5_000
/** And one more for each so many of its bytes: what is worth a look is longer, and is looked at in a few ways. */
const BYTES_PER_TEXT = 4
/** What is remembered at once. */
const MAX_DIGESTS = 100_000

/**
 * The texts that were looked at within a file. What is encoded in several ways can be undone in every order, and most
 * orders lead to the same texts.
 */
export class VisitedTexts {
  readonly #path: string
  readonly #digests = new Set<string>()
  #remaining = MIN_TEXTS

  constructor(path: string) {
    this.#path = path
  }
  /** There is more to look into. */
  addBytes(bytes: number): void {
    this.#remaining += bytes / BYTES_PER_TEXT
  }
  /** Is this the first time that `content` is met at such a place? */
  isNew(content: Buffer, lines: readonly number[], ...place: readonly string[]): boolean {
    const where = JSON.stringify([place, lines])
    const key = `${hash('sha256', content, 'base64')} ${hash('sha256', where, 'base64')}`
    if (this.#digests.has(key)) return false
    if (--this.#remaining < 0)
      throw new LimitExceeded(
        `${this.#path} is encoded in more ways than the gate looks at`,
        'push the file itself',
      )
    if (this.#digests.size >= MAX_DIGESTS) this.#digests.clear()
    this.#digests.add(key)
    return true
  }
}
