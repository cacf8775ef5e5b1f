import { setImmediate as othersTurn } from 'node:timers/promises'
import { compileGlob } from '../../src/contract/glob.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import { type Check, GateFault, type IncomingPush } from './check.ts'
import { defaultLimits, inBytes, type Limits, OverLimit } from './limits.ts'
import type { Entry } from './objects/changed-paths.ts'
import { byRef } from './objects/commit-refs.ts'
import { mergePicks } from './objects/dropped-changes.ts'
import { type Introduced, introducedBy } from './objects/new-objects.ts'
import { ObjectReader } from './objects/object-reader.ts'
import { printable } from './secrets/findings/redact.ts'

export interface FilesSettings extends Partial<Limits> {
  readonly maxBlobBytes: number
}

/** A rule that a changed entry breaks. */
interface Breach {
  readonly commit: string
  readonly path: string
  readonly reason: string
  readonly remedy: string
}

const SHOWN = 5

/**
 * What the grant says of files, over every new commit's changes: paths that must not be touched, symbolic links,
 * submodules, and the size of a file. A commit that only passes on what its parents have breaks nothing; a merge that
 * drops what one of them changed at a path that must not be touched does.
 */
export function files(settings: FilesSettings): Check {
  const limits: Limits = { ...defaultLimits, ...settings }
  return {
    name: 'files',
    dependsOnGrant: true,
    async ahead(push, signal) {
      // Whoever asks for it in turn is told what went wrong.
      await introducedBy(push, limits, signal).catch(() => {})
    },
    async run(push, _say, signal) {
      try {
        const introduced = await introducedBy(push, limits, signal)
        if (introduced.strays.length > 0) return [strayRefusal(introduced.strays)]
        const breaches = [
          ...(await entryBreaches(push, introduced, signal)),
          ...(await pickBreaches(push, introduced, signal)),
          ...(await sizeBreaches(push, introduced, limits, signal)),
        ]
        return refusals(push, introduced, breaches)
      } catch (error) {
        if (!(error instanceof OverLimit)) throw error
        return [
          {
            reason: 'the push is too large',
            detail: [`The gate checks all of a push or refuses it: ${error.message}.`],
            remedy: [`Please ${error.remedy}.`],
          },
        ]
      }
    },
  }
}

/** What no ref reaches would be in the mirror for whoever knows its id, and no upstream would have it. */
const strayRefusal = (strays: readonly string[]): Refusal => ({
  reason: 'the pack holds objects that none of its refs reach',
  detail: strays.slice(0, SHOWN).map(id => `object ${id}`),
  remedy: ['git push sends only what the pushed refs need; push with git itself.'],
})

/** The glob of the grant that guards a path, remembered: many commits change the same paths. */
function guardOf({ pass }: IncomingPush): (path: string) => string | undefined {
  const guards = pass.terms.denyPaths.map(glob => ({ glob, pattern: compileGlob(glob) }))
  const known = new Map<string, string | undefined>()
  return path => {
    if (!known.has(path)) known.set(path, guards.find(({ pattern }) => pattern.test(path))?.glob)
    return known.get(path)
  }
}

/** Others have their turn after so many entries. */
const ENTRIES_AT_ONCE = 1_000

async function entryBreaches(
  push: IncomingPush,
  introduced: Introduced,
  signal: AbortSignal,
): Promise<Breach[]> {
  const { symlinks, submodules } = push.pass.terms
  const guard = guardOf(push)
  const breaches: Breach[] = []
  for (const [at, entry] of introduced.entries.entries()) {
    if (at % ENTRIES_AT_ONCE === 0) await othersTurn(undefined, { signal })
    const { commit, path } = entry
    const glob = guard(path)
    if (glob !== undefined)
      breaches.push({
        commit,
        path,
        reason: `${printable(path)} may not be changed`,
        remedy: `${push.pass.agent} may not push changes to ${glob}. Leave them out of the commit, or ask a person to make them.`,
      })
    if (!symlinks && isNow(entry, '120000'))
      breaches.push({
        commit,
        path,
        reason: `${printable(path)} is a symbolic link`,
        remedy: `${push.pass.agent} may not push symbolic links here. Put a file in its place.`,
      })
    if (!submodules && (isNow(entry, '160000') || path === '.gitmodules'))
      breaches.push({
        commit,
        path,
        reason: `${printable(path)} ${path === '.gitmodules' ? 'sets up submodules' : 'is a submodule'}`,
        remedy: `${push.pass.agent} may not push submodules here. Add the files themselves, or a package dependency.`,
      })
  }
  return breaches
}

async function pickBreaches(
  push: IncomingPush,
  introduced: Introduced,
  signal: AbortSignal,
): Promise<Breach[]> {
  if (push.pass.terms.denyPaths.length === 0) return []
  const guard = guardOf(push)
  const picks = await mergePicks(push.git, introduced, path => guard(path) !== undefined, signal).catch(
    (error: unknown) => {
      throw new GateFault('the gate could not look into the merges of this push', { cause: error })
    },
  )
  return picks.map(({ commit, path }) => ({
    commit,
    path,
    reason: `${printable(path)} may not be changed`,
    remedy: `The merge drops a change to it that one of its parents has, and ${push.pass.agent} may not push changes to ${guard(path)}. Merge again and keep the changed version.`,
  }))
}

const isNow = (entry: Entry, mode: string) => entry.mode === mode

async function sizeBreaches(push: IncomingPush, introduced: Introduced, limits: Limits, signal: AbortSignal) {
  const max = Math.min(limits.maxBlobBytes, push.pass.terms.maxBlobBytes ?? Number.POSITIVE_INFINITY)
  const ids = [
    ...introduced.blobs.keys(),
    ...introduced.tags.flatMap(tag => (tag.type === 'blob' ? [tag.id] : [])),
  ]
  const breaches: Breach[] = []
  for (const [id, size] of await sizesOf(push, ids, introduced.sizes, signal)) {
    if (size <= max) continue
    const place = introduced.blobs.get(id)?.values().next().value
    breaches.push({
      commit: place?.commit ?? id,
      path: place?.path ?? '',
      reason: `${printable(place?.path ?? 'a tagged file')} is ${inBytes(size)}`,
      remedy: `A file may be up to ${inBytes(max)} here. Take it out of the commit that adds it; keep it elsewhere, for example in Git LFS.`,
    })
  }
  return breaches
}

/** The size of each in bytes; git is asked of those that were not received, since the mirror had them before. */
async function sizesOf(
  { git }: IncomingPush,
  ids: readonly string[],
  received: Introduced['sizes'],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map(ids.map(id => [id, received.get(id) ?? -1]))
  const others = ids.filter(id => !received.has(id))
  if (others.length === 0) return sizes
  await using objects = new ObjectReader(git, signal)
  let at = 0
  for await (const info of objects.info(others)) {
    const id = others[at++] ?? ''
    if (!info) throw new Error(`object ${id} is missing`)
    sizes.set(id, info.size)
  }
  return sizes
}

function refusals(push: IncomingPush, introduced: Introduced, breaches: readonly Breach[]): Refusal[] {
  return [...byRef(push, introduced, breaches)].map(([ref, of]) => ({
    ref,
    reason: `${of[0]?.reason}${of.length > 1 ? ` and ${of.length - 1} more` : ''}`,
    detail: [
      ...of.slice(0, SHOWN).map(({ reason, commit }) => `${reason} (commit ${commit.slice(0, 7)})`),
      ...(of.length > SHOWN ? [`… and ${of.length - SHOWN} more`] : []),
    ],
    remedy: [...new Set(of.slice(0, SHOWN).map(breach => breach.remedy))],
  }))
}
