import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { type LfsAvailability, LfsBatch, type LfsObject } from '../../src/contract/lfs.ts'
import { bodyText, json } from '../client/respond.ts'
import { disconnectSignal } from '../client/response-end.ts'
import type { Settings } from '../settings.ts'
import type { Lfs, LfsRepository } from './lfs.ts'
import { respondWithFailure } from './respond.ts'
import { decisionsOf } from './scan-queue.ts'
import { tooLarge } from './upload-limit.ts'

const MAX_BODY = 1 << 20

type Availability = LfsAvailability['objects'][number]

/** Says which objects of a batch the agent can download, or which upstream still lacks. */
export async function lfsBatch(
  lfs: Lfs,
  pass: PassFor<'lfs-batch'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { objects } = LfsBatch.pick({ objects: true }).parse(
    JSON.parse((await bodyText(request, MAX_BODY)) ?? ''),
  )
  const signal = disconnectSignal(response)
  const repository = lfs.repository(pass.repository)
  try {
    const states =
      pass.operation === 'download'
        ? await downloads(repository, pass, objects, signal)
        : await uploads(repository, pass, lfs.settings, objects, signal)
    json(response, 200, { objects: states } satisfies LfsAvailability)
  } catch (error) {
    respondWithFailure(response, pass.id, error)
  }
}

async function downloads(
  repository: LfsRepository,
  { repository: upstream }: PassFor<'lfs-batch'>,
  objects: readonly LfsObject[],
  signal: AbortSignal,
): Promise<Availability[]> {
  await nameAll(repository, upstream, objects, signal)
  const named = objects.filter(({ oid }) => repository.pointers.has(oid))
  const stored = new Set<string>()
  for (const object of named) if (await repository.stored.has(object)) stored.add(object.oid)
  const rest = named.filter(({ oid }) => !stored.has(oid))
  const states = rest.length > 0 ? await repository.upstream.query('download', rest, signal) : []
  const byOid = new Map(states.map(state => [state.oid, state]))
  return objects.map(object => {
    if (stored.has(object.oid) || byOid.get(object.oid)?.isPresent) return { ...object, isPresent: true }
    const { code = 404, message = 'upstream does not have this object' } = byOid.get(object.oid)?.error ?? {}
    return { ...object, isPresent: false, error: { code, message: `git-gate: ${message}` } }
  })
}

/** Reads the mirror's pointers, and fetches from upstream when an object is named by none of them. */
export async function nameAll(
  { mirror, pointers }: LfsRepository,
  upstream: PassFor<'lfs-batch'>['repository'],
  objects: readonly Pick<LfsObject, 'oid'>[],
  signal: AbortSignal,
): Promise<void> {
  const areNamed = () => objects.every(({ oid }) => pointers.has(oid))
  if (areNamed()) return
  if (await mirror.isReady()) await inMirror(mirror, () => pointers.update(signal))
  if (areNamed()) return
  await mirror.refresh(upstream, signal)
  await inMirror(mirror, () => pointers.update(signal))
}

async function inMirror(mirror: LfsRepository['mirror'], work: () => Promise<void>): Promise<void> {
  const leave = await mirror.enter()
  try {
    await work()
  } finally {
    leave(false)
  }
}

async function uploads(
  repository: LfsRepository,
  pass: PassFor<'lfs-batch'>,
  settings: Settings,
  objects: readonly LfsObject[],
  signal: AbortSignal,
): Promise<Availability[]> {
  const states = await repository.upstream.query('upload', objects, signal)
  const decisions = decisionsOf(pass)
  return states.map(({ error, ...state }) => {
    if (state.isPresent) return state
    if (error) return { ...state, error: { ...error, message: `git-gate: upstream says: ${error.message}` } }
    const problem = repository.uploads.problem(state.oid, decisions)
    if (problem !== undefined) return { ...state, error: { code: 403, message: problem } }
    const message = tooLarge(state, pass.terms, settings)
    return message === undefined ? state : { ...state, error: { code: 413, message } }
  })
}
