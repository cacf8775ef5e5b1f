import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { Refusal } from '../../src/contract/outcome.ts'
import { compileGlob } from '../../src/contract/text/glob.ts'
import { type Check, GateFault, type IncomingPush } from './check.ts'
import { defaultLimits, inBytes, LimitExceeded, type Limits } from './limits.ts'
import type { Entry } from './objects/changed-paths.ts'
import { groupByRef } from './objects/commit-refs.ts'
import { droppedChanges } from './objects/dropped-changes.ts'
import { type NewObjects, newObjectsOf } from './objects/new-objects.ts'
import { ObjectReader } from './objects/object-reader.ts'
import { refusedRefs } from './remedy/refused-refs.ts'
import { takeOutSteps } from './remedy/take-out-paths.ts'
import { sanitizeForAgent } from './sanitize-text.ts'

export interface FilesSettings extends Partial<Limits> {
  readonly maxBlobBytes: number
}

/** A rule of the grant that a changed path breaks. */
interface Breach {
  readonly commit: string
  readonly path: string
  readonly reason: string
  /** A word of advice. */
  readonly remedy: string
  /** True if a commit without the path passes. */
  readonly isTakenOut: boolean
}

const MAX_SHOWN = 5

/**
 * Checks the changes of every new commit against the grant's file rules: denied paths, symbolic links, submodules and
 * file sizes. A merge breaks no rule by keeping its parents' versions, except where it drops a parent's change at a
 * denied path.
 */
export function fileRules(settings: FilesSettings): Check {
  const limits: Limits = { ...defaultLimits, ...settings }
  return {
    name: 'files',
    dependsOnGrant: true,
    async prepare(push, signal) {
      // run() awaits the same promise and reports its error.
      await newObjectsOf(push, limits, signal).catch(() => {})
    },
    async run(push, _sendProgress, signal) {
      try {
        const introduced = await newObjectsOf(push, limits, signal)
        if (introduced.unreachable.length > 0) return [unreachableRefusal(introduced.unreachable)]
        const breaches = [
          ...(await entryBreaches(push, introduced, signal)),
          ...(await droppedChangeBreaches(push, introduced, signal)),
          ...(await sizeBreaches(push, introduced, limits, signal)),
        ]
        return refusals(push, introduced, breaches)
      } catch (error) {
        if (!(error instanceof LimitExceeded)) throw error
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

/**
 * Refuses objects that no ref reaches: they would stay in the mirror for any client that knows their ids, and upstream
 * would lack them.
 */
const unreachableRefusal = (ids: readonly string[]): Refusal => ({
  reason: 'the pack holds objects that none of its refs reach',
  detail: ids.slice(0, MAX_SHOWN).map(id => `object ${id}`),
  remedy: ['git push sends only what the pushed refs need; push with git itself.'],
})

/**
 * Returns a function from a path to the grant's pattern that denies it. Results are cached, since many commits change
 * the same paths.
 */
function denyMatcher({ pass }: IncomingPush): (path: string) => string | undefined {
  const denied = pass.terms.denyPaths.map(glob => ({ glob, pattern: compileGlob(glob) }))
  const cached = new Map<string, string | undefined>()
  return path => {
    if (!cached.has(path)) cached.set(path, denied.find(({ pattern }) => pattern.test(path))?.glob)
    return cached.get(path)
  }
}

/** The entries that are checked before the thread is yielded. */
const ENTRIES_PER_YIELD = 1_000

async function entryBreaches(
  push: IncomingPush,
  introduced: NewObjects,
  signal: AbortSignal,
): Promise<Breach[]> {
  const { symlinks, submodules } = push.pass.terms
  const deniedBy = denyMatcher(push)
  const breaches: Breach[] = []
  for (const [index, entry] of introduced.entries.entries()) {
    if (index % ENTRIES_PER_YIELD === 0) await yieldToEventLoop(undefined, { signal })
    const { commit, path } = entry
    const glob = deniedBy(path)
    if (glob !== undefined)
      breaches.push({
        commit,
        path,
        reason: `${sanitizeForAgent(path)} may not be changed`,
        remedy: `${push.pass.agent} may not push changes to ${glob}. Where they are needed, nothing you can do: tell a person, who makes them.`,
        isTakenOut: true,
      })
    if (!symlinks && hasMode(entry, '120000'))
      breaches.push({
        commit,
        path,
        reason: `${sanitizeForAgent(path)} is a symbolic link`,
        remedy: `${push.pass.agent} may not push symbolic links here. Where one is needed, put a file in its place.`,
        isTakenOut: true,
      })
    if (!submodules && (hasMode(entry, '160000') || path === '.gitmodules'))
      breaches.push({
        commit,
        path,
        reason: `${sanitizeForAgent(path)} ${path === '.gitmodules' ? 'sets up submodules' : 'is a submodule'}`,
        remedy: `${push.pass.agent} may not push submodules here. Where one is needed, add the files themselves, or a package dependency.`,
        isTakenOut: true,
      })
  }
  return breaches
}

async function droppedChangeBreaches(
  push: IncomingPush,
  introduced: NewObjects,
  signal: AbortSignal,
): Promise<Breach[]> {
  if (push.pass.terms.denyPaths.length === 0) return []
  const deniedBy = denyMatcher(push)
  const dropped = await droppedChanges(
    push.git,
    introduced,
    path => deniedBy(path) !== undefined,
    signal,
  ).catch((error: unknown) => {
    throw new GateFault('the gate could not check the merges of this push', { cause: error })
  })
  return dropped.map(({ commit, path }) => ({
    commit,
    path,
    reason: `${sanitizeForAgent(path)} may not be changed`,
    remedy: `The merge drops a change to it that one of its parents has, and ${push.pass.agent} may not push changes to ${deniedBy(path)}. Merge again and keep the changed version.`,
    isTakenOut: false,
  }))
}

const hasMode = (entry: Entry, mode: string) => entry.mode === mode

async function sizeBreaches(push: IncomingPush, introduced: NewObjects, limits: Limits, signal: AbortSignal) {
  const max = Math.min(limits.maxBlobBytes, push.pass.terms.maxBlobBytes ?? Number.POSITIVE_INFINITY)
  const ids = [
    ...introduced.blobs.keys(),
    ...introduced.tags.flatMap(tag => (tag.type === 'blob' ? [tag.id] : [])),
  ]
  const breaches: Breach[] = []
  for (const [id, size] of await blobSizes(push, ids, introduced.sizes, signal)) {
    if (size <= max) continue
    for (const { commit, path } of introduced.blobs.get(id) ?? [{ commit: id, path: '' }])
      breaches.push({
        commit,
        path,
        reason: `${sanitizeForAgent(path || 'a tagged file')} is ${inBytes(size)}`,
        remedy: `A file may be up to ${inBytes(max)} here. Keep it elsewhere, for example in Git LFS.`,
        isTakenOut: path !== '',
      })
  }
  return breaches
}

/** Returns the sizes in bytes. Only sizes of objects that the mirror had before are read from git. */
export async function blobSizes(
  { git }: IncomingPush,
  ids: readonly string[],
  received: NewObjects['sizes'],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map(ids.map(id => [id, received.get(id) ?? -1]))
  const notReceived = ids.filter(id => !received.has(id))
  if (notReceived.length === 0) return sizes
  await using objects = new ObjectReader(git, signal)
  let index = 0
  for await (const info of objects.info(notReceived)) {
    const id = notReceived[index++] ?? ''
    if (!info) throw new Error(`object ${id} is missing`)
    sizes.set(id, info.size)
  }
  return sizes
}

function refusals(push: IncomingPush, introduced: NewObjects, breaches: readonly Breach[]): Refusal[] {
  const refused = refusedRefs(push, introduced, groupByRef(push, introduced, breaches))
  return refused.map(({ refusedRef, group }) => ({
    ref: refusedRef.ref,
    reason: `${group[0]?.reason}${group.length > 1 ? ` and ${group.length - 1} more` : ''}`,
    detail: [
      ...group.slice(0, MAX_SHOWN).map(({ reason, commit }) => `${reason} (commit ${commit.slice(0, 7)})`),
      ...(group.length > MAX_SHOWN ? [`… and ${group.length - MAX_SHOWN} more`] : []),
    ],
    remedy: [
      ...takeOutSteps(
        refusedRef,
        group.filter(({ isTakenOut }) => isTakenOut),
        introduced.entries,
      ),
      ...new Set(group.slice(0, MAX_SHOWN).map(breach => breach.remedy)),
    ],
  }))
}
