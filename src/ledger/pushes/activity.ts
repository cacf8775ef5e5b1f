import { z } from 'zod'
import type { Fetch } from '../../contract/admin-api/records.ts'
import { listFetches } from './fetches.ts'
import { listPushRows, type PushRow } from './push-summaries.ts'

/** A push or a fetch. */
export type Activity =
  | { readonly kind: 'push'; readonly id: string; readonly at: string; readonly push: PushRow }
  | { readonly kind: 'fetch'; readonly id: string; readonly at: string; readonly fetch: Fetch }

/** The ids of the last push and of the last fetch of the pages before; empty: there was none. */
const Cursor = z
  .string()
  .regex(/^[\w-]{0,64}\.\d{0,15}$/)
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

/** Returns a page of an agent's pushes and fetches, newest first. `next` is the cursor of the next page, or null at the end. */
export async function listActivity(
  ledger: D1Database,
  { cursor, limit, ...query }: ActivityQuery,
): Promise<{ items: Activity[]; next: string | null }> {
  const [push = '', fetch = ''] = Cursor.parse(cursor) ?? []
  const [{ pushes }, fetches] = await Promise.all([
    listPushRows(ledger, { ...query, cursor: push || undefined, limit: limit + 1 }),
    listFetches(ledger, { ...query, cursor: fetch || undefined, limit: limit + 1 }),
  ])
  const merged = merge(
    pushes.map(push => ({ kind: 'push', id: push.id, at: push.startedAt, push })),
    fetches.map(fetch => ({ kind: 'fetch', id: String(fetch.id), at: fetch.at, fetch })),
  )
  const items = merged.slice(0, limit)
  const lastOf = (kind: Activity['kind']) => items.findLast(item => item.kind === kind)?.id
  const next = `${lastOf('push') ?? push}.${lastOf('fetch') ?? fetch}`
  return { items, next: merged.length > limit ? next : null }
}

/** Merges two lists by time, newest first. Each keeps its order, by which the cursor of its next page counts. */
function merge(first: readonly Activity[], second: readonly Activity[]): Activity[] {
  const [a, b] = [[...first], [...second]]
  const merged: Activity[] = []
  for (;;) {
    const [x, y] = [a[0], b[0]]
    const next = x && y ? (x.at >= y.at ? a : b) : x ? a : b
    const item = next.shift()
    if (!item) return merged
    merged.push(item)
  }
}
