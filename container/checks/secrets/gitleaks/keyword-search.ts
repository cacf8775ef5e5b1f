/** Characters that Go's strings.ToLower maps to ASCII letters: the Kelvin sign, and I with a dot above. */
const LETTERS_BEYOND_ASCII: readonly { letter: string; utf8: Buffer; ascii: string }[] = [
  { letter: '\u212a', utf8: Buffer.from('\u212a'), ascii: 'k' },
  { letter: '\u0130', utf8: Buffer.from('\u0130'), ascii: 'i' },
]
const ASCII = /^[\x00-\x7f]+$/

/** The class of the bytes that no keyword has. */
const OTHER = 0
const ROOT = 0

/**
 * Searches texts for many keywords at once, as gitleaks does before it runs a rule: without regard to case, anywhere in
 * the text (Aho and Corasick's automaton, one step a byte).
 */
export class KeywordSearch {
  readonly #classes = new Uint8Array(256)
  #width = 1
  /** The next state of each state and class of bytes. */
  readonly #next: Uint16Array
  /** `#next` by the offset of a state's row: of the next row, or its complement where a keyword ends. */
  readonly #rows: Int32Array
  /** The keywords that end in a state. */
  readonly #keywords = new Map<number, readonly string[]>()

  /** Throws an Error for a keyword that is not ASCII. */
  constructor(keywords: Iterable<string>) {
    const words = [...new Set([...keywords].map(keyword => keyword.toLowerCase()))]
    for (const word of words) {
      if (!ASCII.test(word)) throw new Error(`the keyword ${word} is not ASCII`)
      for (const byte of Buffer.from(word, 'latin1'))
        if (this.#classes[byte] === OTHER) this.#classes[byte] = this.#width++
    }
    for (let upper = 65; upper <= 90; upper++) this.#classes[upper] = this.#classes[upper + 32] ?? OTHER
    const states = words.reduce((sum, { length }) => sum + length, 1)
    if (states > 0xffff) throw new Error('there are too many keywords')
    this.#next = new Uint16Array(states * this.#width)
    const count = this.#insert(words)
    this.#link(count)
    this.#rows = Int32Array.from(this.#next.subarray(0, count * this.#width), state =>
      this.#keywords.has(state) ? ~(state * this.#width) : state * this.#width,
    )
  }

  /** Builds the tree of the keywords. Returns the number of its states. */
  #insert(words: readonly string[]): number {
    let count = 1
    for (const word of words) {
      let state = ROOT
      for (const byte of Buffer.from(word, 'latin1')) {
        const edge = state * this.#width + (this.#classes[byte] ?? OTHER)
        if (this.#next[edge] === ROOT) this.#next[edge] = count++
        state = this.#next[edge] ?? ROOT
      }
      this.#keywords.set(state, [word])
    }
    return count
  }

  /** Completes the tree: each state gets the transitions and keywords of its longest suffix. */
  #link(count: number): void {
    const suffix = new Uint16Array(count)
    const queue = [ROOT]
    for (let i = 0; i < queue.length; i++) {
      const state = queue[i] ?? ROOT
      const from = suffix[state] ?? ROOT
      const shorter = state === ROOT ? undefined : this.#keywords.get(from)
      if (shorter) this.#keywords.set(state, [...(this.#keywords.get(state) ?? []), ...shorter])
      for (let each = 0; each < this.#width; each++) {
        const edge = state * this.#width + each
        const fallback = state === ROOT ? ROOT : (this.#next[from * this.#width + each] ?? ROOT)
        const child = this.#next[edge] ?? ROOT
        if (child === ROOT) this.#next[edge] = fallback
        else {
          suffix[child] = fallback
          queue.push(child)
        }
      }
    }
  }

  /** Adds the keywords that a text in UTF-8 has to `found`, in lower case. */
  search(text: Buffer, found: Set<string>): void {
    const content = toAscii(text)
    const [classes, rows] = [this.#classes, this.#rows]
    const ended = new Set<number>()
    let row = ROOT
    for (let offset = 0; offset < content.length; offset++) {
      row = rows[row + (classes[content[offset] as number] as number)] as number
      if (row >= 0) continue
      row = ~row
      ended.add(row)
    }
    for (const each of ended)
      for (const keyword of this.#keywords.get(each / this.#width) ?? []) found.add(keyword)
  }
}

function toAscii(text: Buffer): Buffer {
  const present = LETTERS_BEYOND_ASCII.filter(({ utf8 }) => text.includes(utf8))
  if (present.length === 0) return text
  return Buffer.from(
    present.reduce((read, { letter, ascii }) => read.replaceAll(letter, ascii), text.toString('utf8')),
  )
}
