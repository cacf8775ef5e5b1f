import type { LocatedMatch } from '../gitleaks/locate.ts'
import type { Predecessors } from './predecessors.ts'

/** The secrets to look for in a file; undefined: one of them may be in it in another form. */
export type Carried = ReadonlySet<string> | undefined

/** The most different secrets that are looked for in a file. */
const MAX_SECRETS = 200
const NONE: ReadonlySet<string> = new Set()

/**
 * Returns the files that were scanned in part and may hold a secret of a file that they replace, with these secrets.
 * `blobs` has every file after the files that it replaces.
 */
export function carriedSecrets(
  blobs: Iterable<string>,
  { partial, predecessors, matches }: CarryOptions,
): ReadonlyMap<string, Carried> {
  const found = Map.groupBy(matches, ({ item }) => item.blob ?? '')
  const secretsByBlob = new Map<string, Carried>()
  const carried = new Map<string, Carried>()
  for (const blob of blobs) {
    let secrets: Carried = NONE
    if (partial.has(blob))
      for (const old of predecessors.get(blob) ?? [])
        secrets = union(secrets, secretsByBlob.has(old) ? secretsByBlob.get(old) : NONE)
    if (secrets?.size !== 0) carried.set(blob, secrets)
    secretsByBlob.set(blob, union(secrets, secretsOf(found.get(blob) ?? [])))
  }
  return carried
}

interface CarryOptions {
  /** The files that were scanned in part. */
  readonly partial: ReadonlySet<string>
  readonly predecessors: Predecessors
  readonly matches: readonly LocatedMatch[]
}

function secretsOf(matches: readonly LocatedMatch[]): Carried {
  if (matches.length === 0) return NONE
  const isPlain = (match: LocatedMatch) =>
    match.secret !== '' && match.encodings.length === 0 && match.archivePath.length === 0
  return matches.every(isPlain) ? new Set(matches.map(({ secret }) => secret)) : undefined
}

function union(left: Carried, right: Carried): Carried {
  if (left === undefined || right === undefined) return undefined
  if (left.size === 0 || right.size === 0) return left.size === 0 ? right : left
  const both = new Set([...left, ...right])
  return both.size > MAX_SECRETS ? undefined : both
}
