import { logError } from '../../common/log.ts'
import { settingsOf } from '../../common/settings.ts'
import { HELD_HASH_HEADER, type Upstream } from '../../contract/companion-api/pass.ts'
import {
  bytesOfPacks,
  forgetPacks,
  hashOfPack,
  packsOfEnded,
  pushesWithoutPack,
  recordPack,
} from '../../ledger/approvals/held-packs.ts'
import { newId } from '../../ledger/id.ts'
import { askCompanion } from '../ask-companion.ts'

// A container's disk is lost when it stops, and with it the packs of the pushes that wait for an approval. If there is a
// bucket, R2 keeps each pack as long as its push waits.

/** The time after a push in which its pack is tried to be kept, in milliseconds. No container is started for it. */
const TRY_MS = 600_000

interface WaitingPush {
  readonly id: string
  readonly repository: string
}

/** Copies the pack of a waiting push to R2. The schedule tries again if this fails. */
export async function keepHeldPack(env: Env, push: WaitingPush): Promise<void> {
  if (env.HELD_PUSHES)
    await keepPack(env, env.HELD_PUSHES, push).catch(error => logError({ push: push.id }, error))
}

/** Copies the packs of waiting pushes to R2 that it lacks, and deletes those of pushes that wait no more. */
export async function syncHeldPacks(env: Env): Promise<void> {
  const { HELD_PUSHES: bucket } = env
  if (!bucket) return
  for (const push of await pushesWithoutPack(env.LEDGER, Date.now() - TRY_MS)) await keepHeldPack(env, push)
  const ended = await packsOfEnded(env.LEDGER)
  if (ended.length === 0) return
  await bucket.delete(ended)
  await forgetPacks(env.LEDGER, ended)
}

async function keepPack(env: Env, bucket: R2Bucket, { id, repository }: WaitingPush): Promise<void> {
  const answer = await askHeld(env, repository, id, true)
  const hash = answer.headers.get(HELD_HASH_HEADER)
  const bytes = Number(answer.headers.get('content-length'))
  const used = await bytesOfPacks(env.LEDGER, repository)
  if (!answer.ok || !answer.body || hash === null || used + bytes > settingsOf(env).GATE_HELD_BYTES)
    return await answer.body?.cancel()
  // R2 takes no stream of an unknown length, and refuses bytes of another hash.
  await bucket.put(id, answer.body.pipeThrough(new FixedLengthStream(bytes)), { sha256: hash })
  await recordPack(env.LEDGER, { id, repository, hash, bytes })
}

/** Gives the companion the pack of a waiting push, unless it has it. Without it the companion asks for a new push. */
export async function restorePack(env: Env, repository: Upstream, id: string): Promise<void> {
  const hash = env.HELD_PUSHES && (await hashOfPack(env.LEDGER, id))
  if (hash === undefined) return
  const held = await askHeld(env, repository.name, id, false)
  await held.body?.cancel()
  if (held.ok) return
  const stored = await env.HELD_PUSHES?.get(id)
  if (!stored) return
  const restored = await askCompanion(
    env,
    repository.name,
    { service: 'restore-held-push', id: newId(), repository, push: id, hash },
    { body: stored.body },
  )
  await restored.body?.cancel()
  if (!restored.ok) logError({ push: id }, new Error(`its pack in R2 is not restored: ${restored.status}`))
}

/** Asks a companion for the pack of a held push, or only whether it has it. */
const askHeld = (env: Env, repository: string, push: string, isSent: boolean) =>
  askCompanion(env, repository, { service: 'held-push', id: newId(), push, isSent })
