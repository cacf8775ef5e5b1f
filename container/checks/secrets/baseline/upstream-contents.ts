import { LimitExceeded, type Limits } from '../../limits.ts'
import type { ScanTargets } from '../../objects/new-objects.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import { Budget } from '../bytes/budget.ts'
import { spool } from '../bytes/byte-source.ts'
import type { LocatedMatch } from '../gitleaks/locate.ts'
import { viewsOf } from '../views/views.ts'
import { MultiSearch } from './multi-search.ts'

/** The most bytes of upstream's files that are read for a comparison. Beyond them a finding stays new. */
const MAX_BYTES = 128 << 20
/**
 * The most bytes that are compared with secrets, counted for each secret, in a child process and in the companion's
 * own.
 */
const MAX_COMPARED = 8 * 2 ** 30
const MAX_COMPARED_IN_PROCESS = 256 << 20
/** The most commits that are walked to find what lies below the findings' commits, in all. */
const MAX_STEPS = 5_000_000

export interface BaselineOptions {
  readonly newObjects: ScanTargets
  readonly limits: Limits
  /** True if a child process repeats the comparison when it is beyond the limits. */
  readonly isInProcess: boolean
  readonly folder: string
  readonly signal: AbortSignal
}

/** A file of upstream that may hold secrets of the findings. */
export interface Candidate {
  readonly blob: string
  readonly secrets: Iterable<string>
  /** The new commit whose parent has the file; undefined: a tip of upstream's branches has it. */
  readonly belowCommit: string | undefined
}

/** The secrets that upstream's files hold, and the commits for which each counts. */
export class UpstreamContents {
  readonly #objects: ObjectReader
  readonly #options: BaselineOptions
  readonly #onTips = new Set<string>()
  /** The new commits whose upstream parents hold the secret, by secret. */
  readonly #belowCommits = new Map<string, Set<string>>()
  readonly #remaining: { bytes: number }
  #bytes = 0
  #steps = 0

  constructor(objects: ObjectReader, options: BaselineOptions) {
    this.#objects = objects
    this.#options = options
    this.#remaining = { bytes: options.isInProcess ? MAX_COMPARED_IN_PROCESS : MAX_COMPARED }
  }

  covers({ secret, item }: LocatedMatch): boolean {
    if (this.#onTips.has(secret)) return true
    const belowCommit = this.#belowCommits.get(secret)
    if (!belowCommit) return false
    // A commit has access to everything that its parents have from upstream.
    const { commits } = this.#options.newObjects
    const reachable = new Set([item.commit])
    for (const id of reachable) {
      if (belowCommit.has(id)) return true
      if (++this.#steps > MAX_STEPS) return false
      for (const parent of commits.get(id) ?? []) if (commits.has(parent)) reachable.add(parent)
    }
    return false
  }

  async scanCandidates(candidates: readonly Candidate[]): Promise<void> {
    const byBlob = Map.groupBy(candidates, candidate => candidate.blob)
    for await (const [blob, found] of this.#secretsIn(byBlob))
      for (const { secrets, belowCommit } of byBlob.get(blob) ?? [])
        for (const secret of secrets) {
          if (!found.has(secret)) continue
          if (belowCommit === undefined) this.#onTips.add(secret)
          else this.#belowCommits.set(secret, (this.#belowCommits.get(secret) ?? new Set()).add(belowCommit))
        }
  }

  async *#secretsIn(
    byBlob: ReadonlyMap<string, readonly Candidate[]>,
  ): AsyncGenerator<[string, Set<string>]> {
    const { limits, folder, signal, isInProcess } = this.#options
    const ids: string[] = []
    for await (const info of this.#objects.info([...byBlob.keys()])) {
      if (info?.type !== 'blob' || info.size > limits.maxBlobBytes) continue
      this.#bytes += info.size
      if (isInProcess && this.#bytes > limits.maxBytes)
        throw new LimitExceeded('the push has to be compared with many files of upstream', '')
      if (this.#bytes > MAX_BYTES) break
      ids.push(info.id)
    }
    for await (const object of this.#objects.contents(ids, 1 << 20)) {
      const search = new MultiSearch(
        (byBlob.get(object.id) ?? []).flatMap(candidate => [...candidate.secrets]),
        this.#remaining,
      )
      const source = await spool(object.parts, folder)
      try {
        for await (const view of viewsOf(source, { path: '', folder, budget: new Budget(limits), signal })) {
          search.search(view.content)
          if (search.remaining === 0) break
        }
      } catch (error) {
        // Upstream's own file exceeds the limits, so the finding stays new.
        if (!(error instanceof LimitExceeded) || isInProcess) throw error
      } finally {
        await source.dispose()
      }
      if (isInProcess && this.#remaining.bytes < 0)
        throw new LimitExceeded('the push has to be compared with many files of upstream', '')
      yield [object.id, search.found]
    }
  }
}
