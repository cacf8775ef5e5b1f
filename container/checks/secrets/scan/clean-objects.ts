import { createHmac, randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { ScanTargets } from '../../objects/new-objects.ts'
import type { LocatedMatch } from '../gitleaks/locate.ts'
import { gateConfigPath } from '../gitleaks/verified-run.ts'
import type { Predecessors } from '../new-text/predecessors.ts'

/** The objects in which scans under one configuration of one repository have found nothing. Plain data for the child. */
export interface KnownClean {
  /** The HMAC key of the digests: it stands for repository, configuration and programs. */
  readonly key: Buffer
  /** The digests, one after the other, the oldest first. */
  readonly digests: Buffer
}

const DIGEST_BYTES = 16
/** The digests of one repository: of twice the objects that a push may have. */
const MAX_DIGESTS = 500_000
/** The repositories whose digests are held, the one scanned last at the end. */
const MAX_REPOSITORIES = 4

/**
 * Remembers in memory which objects of refused and repeated pushes are clean, so that the push after an operator's
 * decision is not scanned again. An exception changes no entry: an object with a secret is never one of them.
 */
export class CleanObjects {
  readonly #secret = randomBytes(32)
  readonly #byRepository = new Map<string, KnownClean>()

  /**
   * Returns the clean objects of a repository under a configuration. Another configuration, or other programs, begin
   * with none. Undefined: the programs cannot be told apart.
   */
  async of(repository: string, config: string, gitleaks: string): Promise<KnownClean | undefined> {
    const versions = await Promise.all([versionOf(gitleaks), versionOf(gateConfigPath)])
    if (versions.includes(undefined)) return undefined
    const key = createHmac('sha256', this.#secret)
      .update(JSON.stringify([repository, config, gitleaks, versions]))
      .digest()
    const existing = this.#byRepository.get(repository)
    return existing?.key.equals(key) ? existing : { key, digests: Buffer.alloc(0) }
  }

  /** Adds the objects that a scan under this key has found clean. */
  add(repository: string, { key, digests }: KnownClean, found: Buffer): void {
    const existing = this.#byRepository.get(repository)
    const all = Buffer.concat([existing?.key.equals(key) ? existing.digests : digests, found])
    this.#byRepository.delete(repository)
    this.#byRepository.set(repository, {
      key,
      digests: all.subarray(Math.max(0, all.length - MAX_DIGESTS * DIGEST_BYTES)),
    })
    const [oldest = ''] = this.#byRepository.size > MAX_REPOSITORIES ? this.#byRepository.keys() : []
    this.#byRepository.delete(oldest)
  }
}

/** Returns a text that changes with a file; undefined: the file cannot be read. */
async function versionOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  return found && [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
}

/** How a file was scanned: all of it, or the parts that the files which it replaces do not have. */
type Extent = 'whole' | 'parts'

/** The objects of a push that are known to be clean, and those that its scan finds clean. */
export class CleanScan {
  readonly #key: Buffer
  readonly #known = new Set<string>()
  readonly #newObjects: ScanTargets
  readonly #predecessors: Predecessors
  /** The objects that are left out, and how each file was scanned. */
  readonly #commits = new Set<string>()
  readonly #blobs = new Map<string, Extent>()
  #found: Buffer = Buffer.alloc(0)

  constructor({ key, digests }: KnownClean, newObjects: ScanTargets, predecessors: Predecessors) {
    this.#key = key
    this.#newObjects = newObjects
    this.#predecessors = predecessors
    for (let offset = 0; offset < digests.length; offset += DIGEST_BYTES)
      this.#known.add(digests.toString('latin1', offset, offset + DIGEST_BYTES))
    if (this.#known.size > 0) this.#find()
  }

  #find(): void {
    for (const id of this.#newObjects.commits.keys())
      if (this.#known.has(this.#ofCommit(id))) this.#commits.add(id)
    const tagged = new Set(this.#newObjects.tags.map(({ id }) => id))
    for (const id of this.#newObjects.blobs.keys()) {
      // A tag's file has a place of its own when no commit is read that has it.
      if (tagged.has(id)) continue
      const extents: readonly Extent[] = this.#predecessors.has(id) ? ['parts', 'whole'] : ['whole']
      const extent = extents.find(each => this.#known.has(this.#ofBlob(id, each)))
      if (extent) this.#blobs.set(id, extent)
    }
  }

  /** The objects of the push that are to be scanned. */
  get remaining(): ScanTargets {
    const { commits, blobs } = this.#newObjects
    return {
      ...this.#newObjects,
      commits: new Map([...commits].filter(([id]) => !this.#commits.has(id))),
      blobs: new Map([...blobs].filter(([id]) => !this.#blobs.has(id))),
    }
  }

  /** The digests of the objects that this scan has found clean. */
  get found(): Buffer {
    return this.#found
  }

  /** The files that are left out and were scanned in part. */
  get partial(): string[] {
    return [...this.#blobs].flatMap(([id, extent]) => (extent === 'parts' ? [id] : []))
  }

  /** Remembers the objects without a secret among `matches`. `partial` has the files that were scanned in part. */
  remember(secrets: readonly LocatedMatch[], partial: ReadonlySet<string>): void {
    const matched = new Set(secrets.map(({ item: { blob, commit } }) => blob ?? commit))
    const digests: string[] = []
    for (const id of this.#newObjects.commits.keys()) if (!matched.has(id)) digests.push(this.#ofCommit(id))
    for (const id of this.#newObjects.blobs.keys())
      if (!matched.has(id)) digests.push(this.#ofBlob(id, partial.has(id) ? 'parts' : 'whole'))
    this.#found = Buffer.from(digests.filter(digest => !this.#known.has(digest)).join(''), 'latin1')
  }

  #ofCommit(id: string): string {
    return this.#digest(['commit', id])
  }

  /** A path decides which rules apply and which matches are false alarms; the replaced files, which parts are scanned. */
  #ofBlob(id: string, extent: Extent): string {
    const paths = (this.#newObjects.blobs.get(id) ?? []).map(({ path }) => path)
    const replaced = extent === 'parts' ? (this.#predecessors.get(id) ?? []) : []
    return this.#digest(['file', id, extent, [...new Set(paths)].sort(), [...replaced].sort()])
  }

  #digest(parts: readonly unknown[]): string {
    const digest = createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest()
    return digest.toString('latin1', 0, DIGEST_BYTES)
  }
}
