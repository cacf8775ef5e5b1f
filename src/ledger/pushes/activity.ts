import { z } from 'zod'
import type { Fetch, HostCall } from '../../contract/admin-api/records.ts'
import { listFetches } from '../fetches.ts'
import { listHostCalls } from '../host-calls.ts'
import { listPushRows, type PushRow } from './push-summaries.ts'

/** A push, a fetch, or a call to a host's API. */
export type Activity = { readonly id: string; readonly at: string } & (
  | { readonly kind: 'push'; readonly push: PushRow }
  | { readonly kind: 'fetch'; readonly fetch: Fetch }
  | { readonly kind: 'call'; readonly call: HostCall }
)

/** The ids of the last push, fetch and call of the pages before; empty: there was none. */
const Cursor = z
  .string()
  .regex(/^[\w-]{0,64}\.\d{0,15}\.[\w-]{0,64}$/)
  .transform(text => text.split('.'))
  .optional()
  .catch(undefined)

interface ActivityQuery {
  readonly agent: string
  readonly since?: string
  readonly until?: string
  readonly cursor?: string | undefined
  readonly limit: number
}

/** Returns a page of all that an agent did, newest first. `next` is the cursor of the next page, or null at the end. */
export async function listActivity(
  ledger: D1Database,
  { cursor, limit, ...query }: ActivityQuery,
): Promise<{ items: Activity[]; next: string | null }> {
  const [push = '', fetch = '', call = ''] = Cursor.parse(cursor) ?? []
  const after = (id: string) => ({ ...query, cursor: id || undefined, limit: limit + 1 })
  const [{ pushes }, fetches, calls] = await Promise.all([
    listPushRows(ledger, after(push)),
    listFetches(ledger, after(fetch)),
    listHostCalls(ledger, after(call)),
  ])
  const merged = merge([
    pushes.map(push => ({ kind: 'push', id: push.id, at: push.startedAt, push })),
    fetches.map(fetch => ({ kind: 'fetch', id: String(fetch.id), at: fetch.at, fetch })),
    calls.map(call => ({ kind: 'call', id: call.id, at: call.at, call })),
  ])
  const items = merged.slice(0, limit)
  const lastOf = (kind: Activity['kind']) => items.findLast(item => item.kind === kind)?.id
  const next = [lastOf('push') ?? push, lastOf('fetch') ?? fetch, lastOf('call') ?? call].join('.')
  return { items, next: merged.length > limit ? next : null }
}

/** Merges lists by time, newest first. Each keeps its own order, which the cursor of its next page follows. */
function merge(lists: readonly Activity[][]): Activity[] {
  const merged: Activity[] = []
  for (;;) {
    const [newest] = lists
      .filter(list => list.length > 0)
      .sort(([a], [b]) => (b?.at ?? '').localeCompare(a?.at ?? ''))
    const item = newest?.shift()
    if (!item) return merged
    merged.push(item)
  }
}
