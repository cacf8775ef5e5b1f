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
  const held = new Map<string, Carried>()
  const carried = new Map<string, Carried>()
  for (const blob of blobs) {
    let secrets: Carried = NONE
    if (partial.has(blob))
      for (const old of predecessors.get(blob) ?? [])
        secrets = union(secrets, held.has(old) ? held.get(old) : NONE)
    if (secrets?.size !== 0) carried.set(blob, secrets)
    held.set(blob, union(secrets, secretsOf(found.get(blob) ?? [])))
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

function union(one: Carried, other: Carried): Carried {
  if (one === undefined || other === undefined) return undefined
  if (one.size === 0 || other.size === 0) return one.size === 0 ? other : one
  const both = new Set([...one, ...other])
  return both.size > MAX_SECRETS ? undefined : both
}
