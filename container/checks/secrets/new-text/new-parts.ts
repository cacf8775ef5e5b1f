import type { Git } from '../../../git/git.ts'
import type { Change } from '../../../git/objects/delta-change.ts'
import { joined } from '../../objects/byte-reader.ts'
import type { NewObjects } from '../../objects/new-objects.ts'
import { type ObjectInfo, ObjectReader } from '../../objects/object-reader.ts'
import type { Budget } from '../bytes/budget.ts'
import { memorySource, SEGMENT_BYTES, type Source } from '../bytes/byte-source.ts'
import { lineCounter } from '../decode/line-map.ts'
import { scanNameFor } from '../gitleaks/scan-names.ts'
import type { Carried } from './carried-secrets.ts'
import {
  areWithin,
  type CommonEnds,
  changedHull,
  changedRanges,
  commonEnds,
  marginBytesFor,
  type Range,
  rangesAround,
  sharedRanges,
} from './changed-ranges.ts'
import { isDivisible, joinTraits, type Traits, traitsOf } from './divisible.ts'
import type { Predecessors } from './predecessors.ts'

/** A part of a file's text, and the line that it begins in. */
export interface Part {
  readonly source: Source
  readonly firstLine: number
}

/** The texts that are held for their successors, in bytes. */
const CACHE_BYTES = 32 << 20

/** The most texts, and their bytes, that are read before the files of the push. */
const MAX_AHEAD = 200
const AHEAD_BYTES = 8 << 20

/** The traits of texts of earlier pushes, by blob and name, the oldest first: reading them takes as long as a scan. */
const knownTraits = new Map<string, Traits>()
const MAX_KNOWN_TRAITS = 20_000

const traitsKey = (blob: string, path: string) => `${blob} ${scanNameFor(path)}`

function rememberTraits(key: string, traits: Traits): void {
  knownTraits.set(key, traits)
  const [oldest = ''] = knownTraits.size > MAX_KNOWN_TRAITS ? knownTraits.keys() : []
  knownTraits.delete(oldest)
}

interface NewPartsOptions {
  readonly git: Git
  readonly predecessors: Predecessors
  readonly budget: Budget
  readonly signal: AbortSignal
  /** The operator's configuration, whose rules may look further around. */
  readonly gitleaksConfig: string
}

/**
 * Finds the parts of a new file that the files which it replaces do not have. A secret in another part is in a file
 * that is scanned too, or that upstream has at the same path.
 */
export class NewParts implements AsyncDisposable {
  readonly #predecessors: Predecessors
  readonly #openObjects: () => ObjectReader
  #objects: ObjectReader | undefined
  readonly #budget: Budget
  readonly #marginBytes: number
  /** By file, where it differs from the file that it replaces. */
  readonly #changes = new Map<string, KnownChange>()
  /** The newest texts, the oldest first. */
  readonly #texts = new Map<string, KnownText>()
  #bytes = 0

  constructor({ git, predecessors, budget, signal, gitleaksConfig }: NewPartsOptions) {
    this.#predecessors = predecessors
    this.#openObjects = () => new ObjectReader(git, signal)
    this.#budget = budget
    this.#marginBytes = marginBytesFor(gitleaksConfig)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#objects?.[Symbol.asyncDispose]()
  }

  /**
   * Reads the texts that are replaced, unless they are many. Between the files of the push, where the scan's own
   * process is busy, each takes another one. Of a long text that is replaced, its change is enough.
   */
  async readAhead(objects: ObjectReader, options: AheadOptions): Promise<void> {
    await this.#readChanges(objects, options)
    const rest = this.#predecessors.entries().filter(([blob]) => !this.#changes.has(blob))
    const ids = [...new Set(rest.flatMap(([, olds]) => olds))]
    if (ids.length > MAX_AHEAD) return
    const found: ObjectInfo[] = []
    let bytes = 0
    for await (const info of objects.info(ids)) {
      if (!info || info.size > SEGMENT_BYTES) continue
      bytes += info.size
      found.push(info)
    }
    if (bytes > AHEAD_BYTES) return
    const few: string[] = []
    for (const { id, size } of found) {
      const content = await objects.largeBlob(id, size, SEGMENT_BYTES)
      if (content) this.#keep(id, { blob: id, content })
      else few.push(id)
    }
    for await (const { id, parts } of objects.contents(few, SEGMENT_BYTES + 1)) {
      const content: Buffer[] = []
      for await (const part of parts) content.push(part)
      this.#keep(id, { blob: id, content: joined(content) })
    }
  }

  /** Reads the changes of long texts that replace one of which the traits are known: for others, all of it is read. */
  async #readChanges(objects: ObjectReader, { newObjects, sizes }: AheadOptions): Promise<void> {
    for (const [blob, [old = '', ...others]] of this.#predecessors) {
      const traits = knownTraits.get(traitsKey(old, newObjects.blobs.get(blob)?.[0]?.path ?? ''))
      if (!traits || !isDivisible(traits) || others.length > 0) continue
      const change = await objects.largeChange(blob, sizes.get(blob) ?? 0, old)
      if (change) this.#changes.set(blob, { ...change, traits })
    }
  }

  /** Returns the parts of a file to scan; undefined: all of it. */
  async partsOf(blob: string, path: string, source: Source): Promise<Part[] | undefined> {
    if (source.size > SEGMENT_BYTES) return undefined
    const change = this.#changes.get(blob)
    const changed = change && this.#budget.timed(() => this.#partsOfChange(blob, path, change))
    if (changed) return changed
    const content = await source.read(0, source.size)
    const olds: KnownText[] = []
    for (const id of this.#predecessors.get(blob) ?? []) {
      const old = await this.#text(id)
      if (old) olds.push(old)
    }
    return this.#budget.timed(() => {
      const text: KnownText = { blob, content }
      this.#keep(blob, text)
      const comparable = olds
        .filter(old => this.#traits(old, path).isPlain)
        .map(old => ({ ...old, ends: commonEnds(content, old.content) }))
      if (comparable.length === 0 || !isDivisible(this.#traits(text, path, comparable))) return undefined
      return parts(
        content,
        1,
        sharedRanges(comparable.map(old => changedRanges(content, old.content, this.#marginBytes, old.ends))),
      )
    })
  }

  /** Returns the parts of a file to scan from its change; undefined: both files have to be read. */
  #partsOfChange(blob: string, path: string, change: KnownChange): Part[] | undefined {
    const { text, old, newlinesBefore } = change
    const ends = commonEnds(text, old)
    const hull = changedHull(text, ends)
    const ranges = changedRanges(text, old, this.#marginBytes, ends)
    if (!areWithin([hull, ...ranges], change)) return undefined
    const traits = joinTraits(change.traits, traitsOf(text.subarray(hull.from, hull.to), path, this.#budget))
    rememberTraits(traitsKey(blob, path), traits)
    return isDivisible(traits) ? parts(text, newlinesBefore + 1, ranges) : undefined
  }

  /** Returns the traits of a text, from those of a text that it replaces where they tell. */
  #traits(text: KnownText, path: string, olds: readonly ReplacedText[] = []): Traits {
    const key = traitsKey(text.blob, path)
    const known = knownTraits.get(key)
    if (known) return known
    const [old] = olds.flatMap(({ blob, ends }) => {
      const traits = knownTraits.get(traitsKey(blob, path))
      return traits && isDivisible(traits) ? { traits, ends } : []
    })
    const hull = old ? changedHull(text.content, old.ends) : { from: 0, to: text.content.length }
    const own = traitsOf(text.content.subarray(hull.from, hull.to), path, this.#budget)
    const traits = old ? joinTraits(old.traits, own) : own
    rememberTraits(key, traits)
    return traits
  }

  /** Returns a predecessor's text; undefined: it is too large to compare. */
  async #text(id: string): Promise<KnownText | undefined> {
    const known = this.#texts.get(id)
    if (known) return known
    this.#objects ??= this.#openObjects()
    const content = await this.#objects.blob(id, SEGMENT_BYTES)
    if (!content) return undefined
    const text = { blob: id, content }
    this.#keep(id, text)
    return text
  }

  #keep(id: string, text: KnownText): void {
    // A file of the push that another of its files replaces is read twice.
    this.#bytes += text.content.length - (this.#texts.get(id)?.content.length ?? 0)
    this.#texts.delete(id)
    this.#texts.set(id, text)
    for (const [oldest, { content }] of this.#texts) {
      if (this.#bytes <= CACHE_BYTES) break
      this.#texts.delete(oldest)
      this.#bytes -= content.length
    }
  }
}

interface AheadOptions {
  readonly newObjects: Pick<NewObjects, 'blobs'>
  readonly sizes: ReadonlyMap<string, number>
}

/** A change, and the traits of the text that is replaced. */
interface KnownChange extends Change {
  readonly traits: Traits
}

interface KnownText {
  readonly blob: string
  readonly content: Buffer
}

interface ReplacedText extends KnownText {
  readonly ends: CommonEnds
}

/**
 * Returns the parts of a file around each occurrence of the secrets that its predecessors hold; undefined: a secret can
 * be in it in another form, so all of it is to be scanned.
 */
export async function partsAround(
  secrets: Carried,
  path: string,
  source: Source,
  { budget, gitleaksConfig }: Pick<NewPartsOptions, 'budget' | 'gitleaksConfig'>,
): Promise<Part[] | undefined> {
  if (secrets === undefined || source.size > SEGMENT_BYTES) return undefined
  const content = await source.read(0, source.size)
  if (!budget.timed(() => isDivisible(traitsOf(content, path, budget)))) return undefined
  return budget.timed(() => {
    const found: Range[] = []
    for (const secret of secrets)
      for (
        let index = content.indexOf(secret);
        index >= 0;
        index = content.indexOf(secret, index + secret.length)
      )
        found.push({ from: index, to: index + secret.length })
    return parts(content, 1, rangesAround(content, found, marginBytesFor(gitleaksConfig)))
  })
}

function parts(content: Buffer, firstLine: number, ranges: readonly Range[]): Part[] {
  const lineAt = lineCounter(content, firstLine)
  return ranges.map(({ from, to }) => ({
    source: memorySource(content.subarray(from, to)),
    firstLine: lineAt(from),
  }))
}
