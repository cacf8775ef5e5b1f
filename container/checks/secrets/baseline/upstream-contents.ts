import { type Limits, OverLimit } from '../../limits.ts'
import type { Searchable } from '../../objects/new-objects.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import { Budget } from '../bytes/budget.ts'
import { collect } from '../bytes/byte-source.ts'
import { viewsOf } from '../decode/views.ts'
import type { Located } from '../gitleaks/locate.ts'
import { Sought } from './multi-search.ts'

/** The most of upstream that is read to compare with, in bytes; beyond, a finding stands. */
const MAX_BYTES = 128 << 20
/** How much of that is compared with secrets, in bytes, each secret by itself; and where others wait for it. */
const MAX_COMPARED = 8 * 2 ** 30
const MAX_COMPARED_HERE = 256 << 20
/** The commits that are walked to learn what is below the findings' own, all together. */
const MAX_STEPS = 5_000_000

export interface Seeing {
  readonly introduced: Searchable
  readonly limits: Limits
  /** Findings and files beyond the limits will be looked into elsewhere. */
  readonly partial: boolean
  readonly folder: string
  readonly signal: AbortSignal
}

/** A file of upstream that may hold secrets that were found in the push. */
export interface Clue {
  readonly blob: string
  readonly secrets: Iterable<string>
  /** The new commit whose parent has the file; undefined: one of upstream's branches ends with it. */
  readonly under: string | undefined
}

/** Which secrets were seen in upstream, and for whom that counts. */
export class SeenUpstream {
  readonly #objects: ObjectReader
  readonly #options: Seeing
  readonly #now = new Set<string>()
  /** By secret: the new commits whose parents in upstream have it. */
  readonly #under = new Map<string, Set<string>>()
  readonly #effort: { bytes: number }
  #bytes = 0
  #steps = 0

  constructor(objects: ObjectReader, options: Seeing) {
    this.#objects = objects
    this.#options = options
    this.#effort = { bytes: options.partial ? MAX_COMPARED_HERE : MAX_COMPARED }
  }

  hasFor({ secret, item }: Located): boolean {
    if (this.#now.has(secret)) return true
    const under = this.#under.get(secret)
    if (!under) return false
    // What a commit's parents can have from upstream, it can have.
    const { commits } = this.#options.introduced
    const below = new Set([item.commit])
    for (const id of below) {
      if (under.has(id)) return true
      if (++this.#steps > MAX_STEPS) return false
      for (const parent of commits.get(id) ?? []) if (commits.has(parent)) below.add(parent)
    }
    return false
  }

  async look(clues: readonly Clue[]): Promise<void> {
    const byBlob = Map.groupBy(clues, clue => clue.blob)
    for await (const [blob, seen] of this.#secretsIn(byBlob))
      for (const { secrets, under } of byBlob.get(blob) ?? [])
        for (const secret of secrets) {
          if (!seen.has(secret)) continue
          if (under === undefined) this.#now.add(secret)
          else this.#under.set(secret, (this.#under.get(secret) ?? new Set()).add(under))
        }
  }

  async *#secretsIn(byBlob: ReadonlyMap<string, readonly Clue[]>): AsyncGenerator<[string, Set<string>]> {
    const { limits, folder, signal, partial } = this.#options
    const ids: string[] = []
    for await (const info of this.#objects.info([...byBlob.keys()])) {
      if (info?.type !== 'blob' || info.size > limits.maxBlobBytes) continue
      this.#bytes += info.size
      if (partial && this.#bytes > limits.maxBytes)
        throw new OverLimit('much of upstream to compare with', '')
      if (this.#bytes > MAX_BYTES) break
      ids.push(info.id)
    }
    for await (const object of this.#objects.contents(ids, 1 << 20)) {
      const sought = new Sought(
        (byBlob.get(object.id) ?? []).flatMap(clue => [...clue.secrets]),
        this.#effort,
      )
      const source = await collect(object.parts, folder)
      try {
        for await (const view of viewsOf(source, { path: '', folder, budget: new Budget(limits), signal })) {
          sought.lookIn(view.content)
          if (sought.open === 0) break
        }
      } catch (error) {
        // Upstream's own file is too deep to look into: the finding stands.
        if (!(error instanceof OverLimit) || partial) throw error
      } finally {
        await source.dispose()
      }
      if (partial && this.#effort.bytes < 0) throw new OverLimit('much of upstream to compare with', '')
      yield [object.id, sought.seen]
    }
  }
}
