import { compileGlob } from '../../src/contract/glob.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import type { Entry } from './changed-entries.ts'
import { type Check, GateFault, type IncomingPush } from './check.ts'
import { type Introduced, introducedBy } from './introduced.ts'
import { defaultLimits, inBytes, type Limits, OverLimit } from './limits.ts'
import { mergePicks } from './merge-picks.ts'
import { ObjectReader } from './object-reader.ts'
import { refsWith } from './refs-with.ts'
import { printable } from './secrets/redact.ts'

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
    async run(push, _say, signal) {
      try {
        const introduced = await introducedBy(push, limits, signal)
        if (introduced.strays.length > 0) return [strayRefusal(introduced.strays)]
        const breaches = [
          ...entryBreaches(push, introduced),
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

/** The globs of paths that must not be touched, each with its pattern. */
const deniedBy = (push: IncomingPush) =>
  push.pass.terms.denyPaths.map(glob => ({ glob, pattern: compileGlob(glob) }))

function* entryBreaches(push: IncomingPush, introduced: Introduced): Generator<Breach> {
  const { symlinks, submodules } = push.pass.terms
  const denied = deniedBy(push)
  for (const entry of introduced.entries) {
    const { commit, path } = entry
    const rule = denied.find(({ pattern }) => pattern.test(path))
    if (rule)
      yield {
        commit,
        path,
        reason: `${printable(path)} may not be changed`,
        remedy: `${push.pass.agent} may not push changes to ${rule.glob}. Leave them out of the commit, or ask a person to make them.`,
      }
    if (!symlinks && isNow(entry, '120000'))
      yield {
        commit,
        path,
        reason: `${printable(path)} is a symbolic link`,
        remedy: `${push.pass.agent} may not push symbolic links here. Put a file in its place.`,
      }
    if (!submodules && (isNow(entry, '160000') || path === '.gitmodules'))
      yield {
        commit,
        path,
        reason: `${printable(path)} ${path === '.gitmodules' ? 'sets up submodules' : 'is a submodule'}`,
        remedy: `${push.pass.agent} may not push submodules here. Add the files themselves, or a package dependency.`,
      }
  }
}

async function pickBreaches(
  push: IncomingPush,
  introduced: Introduced,
  signal: AbortSignal,
): Promise<Breach[]> {
  const denied = deniedBy(push)
  if (denied.length === 0) return []
  const guarding = (path: string) => denied.find(({ pattern }) => pattern.test(path))
  const picks = await mergePicks(push.git, introduced, path => guarding(path) !== undefined, signal).catch(
    (error: unknown) => {
      throw new GateFault('the gate could not look into the merges of this push', { cause: error })
    },
  )
  return picks.map(({ commit, path }) => ({
    commit,
    path,
    reason: `${printable(path)} may not be changed`,
    remedy: `The merge drops a change to it that one of its parents has, and ${push.pass.agent} may not push changes to ${guarding(path)?.glob}. Merge again and keep the changed version.`,
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
  if (ids.length === 0) return breaches
  await using objects = new ObjectReader(push.git, signal)
  let at = 0
  for await (const info of objects.info(ids)) {
    const id = ids[at++] ?? ''
    if (!info) throw new Error(`object ${id} is missing`)
    if (info.size <= max) continue
    const place = introduced.blobs.get(id)?.values().next().value
    breaches.push({
      commit: place?.commit ?? id,
      path: place?.path ?? '',
      reason: `${printable(place?.path ?? 'a tagged file')} is ${inBytes(info.size)}`,
      remedy: `A file may be up to ${inBytes(max)} here. Take it out of the commit that adds it; keep it elsewhere, for example in Git LFS.`,
    })
  }
  return breaches
}

function refusals(push: IncomingPush, introduced: Introduced, breaches: readonly Breach[]): Refusal[] {
  const byRef = new Map<string, Breach[]>()
  for (const breach of breaches)
    for (const ref of refsWith(push, introduced, breach.commit))
      byRef.set(ref, [...(byRef.get(ref) ?? []), breach])
  return [...byRef].map(([ref, of]) => ({
    ref,
    reason: `${of[0]?.reason}${of.length > 1 ? ` and ${of.length - 1} more` : ''}`,
    detail: [
      ...of.slice(0, SHOWN).map(({ reason, commit }) => `${reason} (commit ${commit.slice(0, 7)})`),
      ...(of.length > SHOWN ? [`… and ${of.length - SHOWN} more`] : []),
    ],
    remedy: [...new Set(of.slice(0, SHOWN).map(breach => breach.remedy))],
  }))
}
