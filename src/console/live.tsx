import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { HtmlEscapedString } from 'hono/utils/html'
import { z } from 'zod'
import { idsFrom } from '../ledger/id.ts'
import { newPushRows, pushRowsOf } from '../ledger/pushes/push-summaries.ts'
import { findPush } from '../ledger/pushes/read-pushes.ts'
import type { ConsoleEnv } from './auth/env.ts'
import { whoAsks } from './auth/session.ts'
import { PushLine, saying } from './components/push-row.tsx'
import { PushBody, PushState } from './pages/push.tsx'
import { Filters, queryOf } from './pages/pushes.tsx'

/** How often the ledger is looked at, in milliseconds: while a push is open, and while none is. */
const BUSY_MS = 400
const IDLE_MS = 1_000
/** A stream ends after this many looks, in good time before a Worker's limits, and the page opens the next one. */
const LOOKS = 300
/** New pushes that one look brings. */
const NEW = 100
/** What is heard of a push that is not on record any more. */
const NO_PUSH = 'a request that pushed nothing is no longer listed'
/** Pushes that begin at once reach the ledger in any order: each look goes back this far, in milliseconds. */
const OVERLAP_MS = 10_000

/** What the page shows already: its newest push, and those that had no outcome when it was sent. */
const Shown = z.object({
  newest: z.string().max(64).catch(''),
  open: z
    .string()
    .transform(text => text.split(',').filter(Boolean).slice(0, 200))
    .catch([]),
})

/** `GET /pushes/live`: the list's lines as they begin, change and cease to fit, as server-sent events. */
export function streamPushes(c: Context<ConsoleEnv>): Response {
  const ledger = c.env.LEDGER
  const filters = Filters.parse(c.req.query())
  const fitting = queryOf(filters, NEW)
  // A push that is open now may fit when it has its outcome.
  const all = { ...fitting, outcome: undefined }
  let { newest, open } = Shown.parse(c.req.query())
  /** The line that the page has of a push, as it was sent; of what it began with, that is not known. */
  const shown = new Map(open.map(id => [id, '']))
  let lookedAt: number | undefined
  return stream(c, async send => {
    const since = lookedAt
    lookedAt = Date.now()
    const missed = since === undefined ? await newPushRows(ledger, fitting, newest) : []
    if (missed.length === NEW) return 'behind'
    const known = await pushRowsOf(ledger, open)
    for (const id of open)
      if (!known.some(push => push.id === id) && shown.delete(id)) await send('gone', { id, says: NO_PUSH })
    const rows = [
      ...known,
      ...missed,
      ...(since === undefined
        ? await newPushRows(ledger, { ...all, outcome: 'open' }, '')
        : await newPushRows(ledger, all, idsFrom(since - OVERLAP_MS))),
    ].sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const push of rows) {
      const { id } = push
      if (filters.outcome !== undefined && filters.outcome !== push.outcome) {
        if (shown.delete(id)) await send('gone', { id, says: saying(push) })
        continue
      }
      const html = await render(<PushLine push={push} />)
      if (shown.get(id) === timeless(html)) continue
      shown.set(id, timeless(html))
      await send('push', { id, html })
    }
    open = rows.filter(push => push.outcome === 'open').map(push => push.id)
    return open.length > 0 ? BUSY_MS : IDLE_MS
  })
}

/** `GET /pushes/<id>/live`: one push's page until it has its outcome. */
export function streamPush(c: Context<ConsoleEnv>): Response {
  const id = c.req.param('id') ?? ''
  let sent = ''
  return stream(c, async send => {
    const push = await findPush(c.env.LEDGER, id)
    // It was none: opened anew, the page says so.
    if (!push) return 'behind'
    const state = await render(<PushState push={push} />)
    const html = state + (await render(<PushBody c={c} push={push} />))
    if (timeless(html) !== sent) await send('page', { html, says: saying(push) })
    sent = timeless(html)
    return push.outcome === 'open' ? BUSY_MS : 'over'
  })
}

/** Markup of components, also of those that wait for something. */
async function render(element: HtmlEscapedString | Promise<HtmlEscapedString>): Promise<string> {
  return (await element).toString()
}

/** Markup without "5 minutes ago", which browser/times.js keeps true. */
const timeless = (html: string): string => html.replace(/(<time [^>]*>)[^<]*/g, '$1')

type Send = (
  event: 'push' | 'gone' | 'page',
  data: { id?: string; html?: string; says?: string },
) => Promise<void>

/** Why a stream ends: nothing more will happen, or the page is further behind than the stream can bring it. */
type End = 'over' | 'behind'

/** Looks again and again, as long as someone watches who may; `look` answers when to look next. */
function stream(c: Context<ConsoleEnv>, look: (send: Send) => Promise<number | End>): Response {
  c.header('x-accel-buffering', 'no')
  const response = streamSSE(c, async sse => {
    const gone = new AbortController()
    sse.onAbort(() => gone.abort())
    c.req.raw.signal.addEventListener('abort', () => gone.abort(), { once: true })
    await sse.write(': watching\n\n')
    for (let looks = 0; looks < LOOKS && !gone.signal.aborted; looks++) {
      const next = (await whoAsks(c))
        ? await look((event, data) => sse.writeSSE({ event, data: JSON.stringify(data) }))
        : 'signed-out'
      if (typeof next === 'string') return sse.writeSSE({ event: next, data: '' })
      if (looks % 15 === 14) await sse.write(': still here\n\n')
      await sse.sleep(next)
    }
    await sse.writeSSE({ event: 'again', data: '' })
  })
  response.headers.set('cache-control', 'no-store')
  return response
}
