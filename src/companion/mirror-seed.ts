import { logFault } from '../common/log.ts'
import { BUNDLE_HEADER, type Upstream } from '../contract/pass.ts'
import { newId } from '../ledger/id.ts'
import type { Send } from './health.ts'
import { askWithPass } from './pass.ts'

// A container's disk goes with it. A bundle of each large mirror is kept in R2, where there is a bucket, and a
// container that starts empty begins with it; the rest comes from upstream, as all of it does without.

/** Gives a container that has just started what is kept of its repository, or the word that nothing is. */
export async function provideMirrorSeed(env: Env, upstream: Upstream, send: Send): Promise<void> {
  const kept = await env.MIRROR_SEEDS?.get(upstream.name)
  const isKept = kept?.customMetadata?.upstream === upstream.url
  if (kept && !isKept) await kept.body.cancel()
  const body = isKept ? kept.body : null
  const answer = await askWithPass(
    env,
    send,
    { service: 'mirror-seed', id: newId(), repository: upstream, isKept },
    body,
  )
  await answer.body?.cancel()
}

/** Keeps a bundle of what a container's mirror has, unless that is kept already. */
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

/** Nothing is kept of a repository that the gate no longer has; what cannot be removed now is used by nobody. */
export async function deleteMirrorSeed(env: Env, name: string): Promise<void> {
  await env.MIRROR_SEEDS?.delete(name).catch(error => logFault({ at: 'mirror seed' }, error))
}
