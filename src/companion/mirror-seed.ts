import { logError } from '../common/log.ts'
import { BUNDLE_HEADER, type Upstream } from '../contract/companion-api/pass.ts'
import { newId } from '../ledger/id.ts'
import type { Send } from './health.ts'
import { askWithPass } from './pass.ts'

// A container's disk is lost when it stops. A bundle of each large mirror is kept in R2, if there is a
// bucket, and seeds the next container's empty mirror. The rest, or the whole mirror without a seed, comes
// from upstream.

/** Sends a new container the seed of its mirror, or tells it that there is none. */
export async function provideMirrorSeed(env: Env, upstream: Upstream, send: Send): Promise<void> {
  const seed = await env.MIRROR_SEEDS?.get(upstream.name)
  const isKept = seed?.customMetadata?.upstream === upstream.url
  if (seed && !isKept) await seed.body.cancel()
  const body = isKept ? seed.body : null
  const answer = await askWithPass(
    env,
    send,
    { service: 'mirror-seed', id: newId(), repository: upstream, isKept },
    body,
  )
  await answer.body?.cancel()
}

/** Saves a bundle of a container's mirror as its seed, unless the same bundle is saved already. */
export async function saveMirrorSeed(env: Env, upstream: Upstream, send: Send): Promise<void> {
  if (!env.MIRROR_SEEDS) return
  const { customMetadata } = (await env.MIRROR_SEEDS.head(upstream.name)) ?? {}
  const kept = customMetadata?.upstream === upstream.url ? (customMetadata.bundle ?? '') : ''
  const answer = await askWithPass(env, send, { service: 'bundle', id: newId(), repository: upstream, kept })
  const bundle = answer.headers.get(BUNDLE_HEADER)
  if (answer.status !== 200 || !answer.body || bundle === null) return await answer.body?.cancel()
  await env.MIRROR_SEEDS.put(upstream.name, answer.body, {
    customMetadata: { upstream: upstream.url, bundle },
  })
}

/**
 * Deletes the seed of a repository that was removed from the gate. A failure is only logged: without the
 * repository the seed is never read.
 */
export async function deleteMirrorSeed(env: Env, name: string): Promise<void> {
  await env.MIRROR_SEEDS?.delete(name).catch(error => logError({ at: 'mirror seed' }, error))
}
