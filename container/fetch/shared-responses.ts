import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import type { Backend } from '../git/http-backend.ts'
import type { Mirror } from '../mirror/mirror.ts'
import type { ResponseSource } from './response-source.ts'
import { type Spool, startSpool } from './spool.ts'

/** A fetch's request without its client: equal requests to a mirror with equal refs get equal responses. */
export interface FetchRequest {
  readonly protocol: string | undefined
  readonly body: Buffer
}

/**
 * Shares git's response among clients that send the same request, as agents do that clone one repository. The
 * first request of its kind is served without a file, because most have no second. From the second on, git
 * writes the response to a file, which serves all that follow until a ref of the mirror changes.
 */
export interface SharedResponses {
  /** Returns the response, or undefined when the request has to be served by a git of its own. */
  find(mirror: Mirror, request: FetchRequest, start: () => Backend): Promise<ResponseSource | undefined>
}

/** The number of different requests that are remembered for a snapshot of refs. */
const MAX_REQUESTS = 256
/** The number of responses that are kept, each with an open file. */
const MAX_RESPONSES = 64

type CachedRequest = 'asked once' | Promise<Spool>

/** Keeps at most `maxBytes` of responses under `folder`; 0 turns sharing off. */
export function createSharedResponses(folder: string, maxBytes: number): SharedResponses {
  const bySnapshot = new WeakMap<AbortSignal, Map<string, CachedRequest>>()
  /** Kept responses, the least recently used first, with the size that is reserved for each. */
  const kept = new Map<Promise<Spool>, { bytes: number; discard: () => void }>()

  const reserve = (bytes: number): boolean => {
    if (bytes > maxBytes) return false
    const used = () => [...kept.values()].reduce((sum, each) => sum + each.bytes, 0)
    for (const { discard } of [...kept.values()]) {
      if (used() + bytes <= maxBytes && kept.size < MAX_RESPONSES) return true
      discard()
    }
    return used() + bytes <= maxBytes
  }

  const requestsOf = (snapshot: AbortSignal) => {
    const requests = bySnapshot.get(snapshot) ?? new Map<string, CachedRequest>()
    if (!bySnapshot.has(snapshot)) {
      bySnapshot.set(snapshot, requests)
      snapshot.addEventListener('abort', () => {
        for (const each of requests.values()) if (each !== 'asked once') kept.get(each)?.discard()
      })
    }
    return requests
  }

  const keep = (requests: Map<string, CachedRequest>, key: string, bytes: number, start: () => Backend) => {
    const spool = mkdir(folder, { recursive: true, mode: 0o700 }).then(() => startSpool(folder, start))
    const discard = () => {
      kept.delete(spool)
      if (requests.get(key) === spool) requests.delete(key)
      spool.then(
        each => each.close(),
        () => {},
      )
    }
    kept.set(spool, { bytes, discard })
    requests.set(key, spool)
    spool.catch(discard)
    return spool
  }

  const reuse = async (spool: Promise<Spool>): Promise<ResponseSource | undefined> => {
    const entry = kept.get(spool)
    const ready = await spool.catch(() => undefined)
    if (!entry || !ready || !kept.has(spool)) return undefined
    if (!ready.isUsable) {
      entry.discard()
      return undefined
    }
    kept.delete(spool)
    kept.set(spool, { ...entry, bytes: Math.max(entry.bytes, ready.bytes) })
    return ready.read()
  }

  return {
    async find(mirror, { protocol, body }, start) {
      const snapshot = maxBytes > 0 ? mirror.refs.current() : undefined
      if (!snapshot) return undefined
      const requests = requestsOf(snapshot)
      const key = createHash('sha256')
        .update(`${protocol ?? ''}\0`)
        .update(body)
        .digest('base64')
      const previous = requests.get(key)
      if (previous === undefined) {
        if (requests.size < MAX_REQUESTS) requests.set(key, 'asked once')
        return undefined
      }
      if (previous !== 'asked once') return reuse(previous)
      // A response is rarely larger than the mirror that it comes from.
      const { bytes } = await mirror.status()
      const present = requests.get(key)
      if (present !== undefined && present !== 'asked once') return reuse(present)
      if (bytes === null || snapshot.aborted || !reserve(bytes)) return undefined
      return reuse(keep(requests, key, bytes, start))
    },
  }
}
