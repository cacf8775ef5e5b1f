import { hash } from 'node:crypto'
import { LimitExceeded } from '../../limits.ts'

/** The decoded texts that are scanned in any file, however short it is. */
const MIN_TEXTS = 5_000
/**
 * A file may have one more decoded text for this many of its bytes. A text worth scanning is longer than that, and is
 * decoded in few ways.
 */
const BYTES_PER_TEXT = 4
/** The digests that are held in memory at once. */
const MAX_DIGESTS = 100_000

/**
 * The decoded texts of a file that have been scanned. Nested encodings can be decoded in every order, and most orders
 * lead to the same texts.
 */
export class VisitedTexts {
  readonly #path: string
  readonly #digests = new Set<string>()
  #remaining = MIN_TEXTS

  constructor(path: string) {
    this.#path = path
  }
  /** Allows more texts for a longer file. */
  addBytes(bytes: number): void {
    this.#remaining += bytes / BYTES_PER_TEXT
  }
  /**
   * Returns whether `content` is new at these lines and this place. Throws LimitExceeded beyond the allowed number of
   * texts.
   */
  isNew(content: Buffer, lines: readonly number[], ...place: readonly string[]): boolean {
    const location = JSON.stringify([place, lines])
    const key = `${hash('sha256', content, 'base64')} ${hash('sha256', location, 'base64')}`
    if (this.#digests.has(key)) return false
    if (--this.#remaining < 0)
      throw new LimitExceeded(
        `${this.#path} is encoded in more ways than the gate decodes`,
        'push the file without the encodings',
      )
    if (this.#digests.size >= MAX_DIGESTS) this.#digests.clear()
    this.#digests.add(key)
    return true
  }
}
