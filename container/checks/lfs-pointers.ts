import type { LfsObject } from '../../src/contract/lfs.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import { isDelete } from '../git/command-list.ts'
import { MAX_POINTER_BYTES, MIN_POINTER_BYTES, parseLfsPointer } from '../git/lfs-pointer.ts'
import { type LfsUpstreams, NoLfs } from '../upstream/lfs-server/index.ts'
import { type Check, GateFault, type IncomingPush } from './check.ts'
import { defaultLimits, LimitExceeded, type Limits } from './limits.ts'
import { groupByRef } from './objects/commit-refs.ts'
import { type NewObjects, newObjectsOf, type Place } from './objects/new-objects.ts'
import { ObjectReader } from './objects/object-reader.ts'
import type { RefusedObjects } from './refused-objects.ts'
import { sanitizeForAgent } from './sanitize-text.ts'

/** A new pointer, and the first place that has it. */
interface Pointer extends LfsObject {
  readonly place: Place
}

/** Git LFS, as the checks know it. */
export interface LfsOfChecks {
  readonly upstreams: LfsUpstreams
  readonly refused: RefusedObjects
}

const MAX_SHOWN = 5

/**
 * Refuses a push with a Git LFS pointer to an object that upstream does not have: a clone would lack the file.
 * git-lfs sends the objects before the push.
 */
export function lfsPointers(
  settings: Partial<Limits> & Pick<Limits, 'maxBlobBytes'>,
  lfs: LfsOfChecks,
): Check {
  const limits: Limits = { ...defaultLimits, ...settings }
  const found = new WeakMap<IncomingPush, Promise<Pointer[]>>()
  const pointersOf = (push: IncomingPush, signal: AbortSignal) => {
    const before = found.get(push)
    if (before) return before
    const now = newObjectsOf(push, limits, signal).then(introduced => newPointers(push, introduced, signal))
    found.set(push, now)
    return now
  }
  return {
    name: 'lfs',
    async prepare(push, signal) {
      if (push.commands.every(isDelete)) return
      // run() awaits the same promise and reports its error.
      await pointersOf(push, signal).catch(() => {})
    },
    async run(push, _sendProgress, signal) {
      if (push.commands.every(isDelete)) return []
      try {
        const pointers = await pointersOf(push, signal)
        push.record.lfsObjects = pointers.slice(0, MAX_RECORDED).map(({ oid, size, place }) => ({
          oid,
          size,
          path: sanitizeForAgent(place.path),
        }))
        const missing = await missingObjects(push, pointers, lfs, signal)
        return missing.length === 0
          ? []
          : refusals(push, await newObjectsOf(push, limits, signal), missing, lfs)
      } catch (error) {
        if (error instanceof LimitExceeded || error instanceof GateFault) throw error
        throw new GateFault('the gate could not check the LFS objects of this push', { cause: error })
      }
    },
  }
}

/** The pointers of a push that the ledger keeps. */
const MAX_RECORDED = 200

async function newPointers(
  { git }: IncomingPush,
  { blobs, sizes }: NewObjects,
  signal: AbortSignal,
): Promise<Pointer[]> {
  // A pointer that was in the mirror before this push has no size here: it is read, too.
  const ids = [...blobs.keys()].filter(id => isPointerSize(sizes.get(id) ?? MIN_POINTER_BYTES))
  if (ids.length === 0) return []
  const pointers = new Map<string, Pointer>()
  await using objects = new ObjectReader(git, signal)
  for await (const { id, size, parts } of objects.contents(ids, MAX_POINTER_BYTES)) {
    if (!isPointerSize(size)) continue
    for await (const content of parts) {
      const pointer = parseLfsPointer(content)
      const place = blobs.get(id)?.[0]
      if (pointer && place) pointers.set(pointer.oid, { ...pointer, place })
    }
  }
  return [...pointers.values()]
}

const isPointerSize = (bytes: number) => bytes >= MIN_POINTER_BYTES && bytes < MAX_POINTER_BYTES

async function missingObjects(
  { pass }: IncomingPush,
  pointers: readonly Pointer[],
  { upstreams }: LfsOfChecks,
  signal: AbortSignal,
): Promise<readonly Pointer[]> {
  // git-lfs stores no empty object.
  const nonEmpty = pointers.filter(({ size }) => size > 0)
  if (nonEmpty.length === 0) return []
  const objects = nonEmpty.map(({ oid, size }) => ({ oid, size }))
  const states = await upstreams
    .to(pass.repository)
    .query('download', objects, signal)
    .catch((error: unknown) => {
      if (error instanceof NoLfs) return undefined
      throw error
    })
  const present = new Set(states?.filter(({ isPresent }) => isPresent).map(({ oid }) => oid))
  return nonEmpty.filter(({ oid }) => !present.has(oid))
}

function refusals(
  push: IncomingPush,
  introduced: NewObjects,
  missing: readonly Pointer[],
  { refused }: LfsOfChecks,
): Refusal[] {
  const places = missing.map(pointer => ({ ...pointer, ...pointer.place }))
  return [...groupByRef(push, introduced, places)].map(([ref, group]) => {
    const [first] = group
    const reasonFor = (oid: string) => refused.reason(push.pass.repository.name, oid)
    const more = group.length > 1 ? ` and ${group.length - 1} more` : ''
    return {
      ref,
      reason: `upstream does not have the LFS object of ${sanitizeForAgent(first?.path ?? '')}${more}`,
      detail: [
        ...group
          .slice(0, MAX_SHOWN)
          .flatMap(({ path, oid }) => [
            `${sanitizeForAgent(path)} names the LFS object ${oid}`,
            ...(reasonFor(oid) === undefined ? [] : [`  which the gate has refused: ${reasonFor(oid)}`]),
          ]),
        ...(group.length > MAX_SHOWN ? [`… and ${group.length - MAX_SHOWN} more`] : []),
      ],
      remedy: [
        'Send the objects first, then push again:',
        '  git lfs push --all origin',
        'Without Git LFS (git lfs version): install it, run `git lfs install`, and commit the files again.',
      ],
    }
  })
}
