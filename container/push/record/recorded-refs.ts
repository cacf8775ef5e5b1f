import type { PushReport } from '../../../src/contract/outcome.ts'
import { firstOf } from '../../process/bounded-lines.ts'
import type { Verdict } from '../verdict.ts'
import type { RecordedText } from './recorded-text.ts'

/** Above this number of refs, reasons and progress lines are shortened: D1 limits a row to 2 MB. */
const REFS_THRESHOLD = 200

/** Limits of a reason in characters: usually, and above REFS_THRESHOLD. */
const MAX_REASON = { usual: 1000, short: 80 }

/**
 * Limit of the refs recorded for a push that was never forwarded, in bytes: a client can repeat such a push
 * at no cost.
 */
const MAX_REFS_BYTES = 32 << 10

type Ref = PushReport['refs'][number]
export type NamedRefs = readonly Pick<Ref, 'ref' | 'old' | 'new'>[]

/** The refs of a push for its record, with their statuses once the push has ended. */
export class RecordedRefs {
  readonly #text: RecordedText
  #refs: readonly Ref[] = []
  #leftOut = 0

  constructor(text: RecordedText) {
    this.#text = text
  }

  set(named: NamedRefs): void {
    this.#refs = named.map(({ ref, old, new: id }) => ({ ref, old, new: id, status: null, reason: '' }))
  }

  /** Adds the statuses. Of a push that was not forwarded only the first refs stay. */
  end(statuses: Verdict['refs'], wasForwarded: boolean): void {
    const byRef = new Map(statuses.map(status => [status.ref, status]))
    const maxReason = this.#refs.length > REFS_THRESHOLD ? MAX_REASON.short : MAX_REASON.usual
    const ended = this.#refs.map(each => {
      const { status = 'ng', reason = '' } = byRef.get(each.ref) ?? {}
      return { ...each, status, reason: this.#text.reason(reason, maxReason), ref: this.#text.ref(each.ref) }
    })
    const sizeOf = (ref: Ref) => Buffer.byteLength(JSON.stringify(ref))
    this.#refs = wasForwarded ? ended : firstOf(ended, MAX_REFS_BYTES, sizeOf)
    this.#leftOut = ended.length - this.#refs.length
  }

  get all(): Ref[] {
    return this.#refs.map(each => ({ ...each, ref: this.#text.ref(each.ref) }))
  }

  /** Shortens the lines of a push with many refs, and adds the number of refs that are not on record. */
  limitLines(lines: readonly string[]): string[] {
    const hasMany = this.#refs.length + this.#leftOut > REFS_THRESHOLD
    const kept = hasMany ? lines.slice(0, REFS_THRESHOLD) : [...lines]
    return this.#leftOut ? [...kept, `… and ${this.#leftOut} more refs, which are not on record`] : kept
  }
}
