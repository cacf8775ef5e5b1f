import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { HtmlEscapedString } from 'hono/utils/html'
import { z } from 'zod'
import { minIdAt } from '../ledger/id.ts'
import { newPushRows, pushRowsOf } from '../ledger/pushes/push-summaries.ts'
import { findPush } from '../ledger/pushes/read-pushes.ts'
import type { ConsoleEnv } from './auth/env.ts'
import { currentOperator } from './auth/session.ts'
import { PushItem, statusText } from './components/push-row.tsx'
import { PushBody, PushState } from './pages/pushes/push.tsx'
import { Filters, queryOf } from './pages/pushes/pushes.tsx'

/** The interval between polls of the ledger, in milliseconds, while a push is open and while none is. */
const OPEN_POLL_MS = 400
const IDLE_POLL_MS = 1_000
/** A stream ends after this many polls, well before a Worker's limits; the page then opens the next stream. */
const MAX_POLLS = 300
/** The stream sends a comment every this many polls, so that proxies keep the connection. */
const KEEPALIVE_POLLS = 15
/** The most new pushes that a poll reads. */
const MAX_NEW = 100
/** Announces that a request without refs was deleted from the ledger. */
const NO_PUSH_TEXT = 'a request that pushed nothing is no longer listed'
/** Pushes that start together reach the ledger in any order, so each poll overlaps the last, in milliseconds. */
const OVERLAP_MS = 10_000

/** The newest push in the page's list, and its open pushes. */
const PageState = z.object({
  newest: z.string().max(64).catch(''),
  open: z
    .string()
    .transform(text => text.split(',').filter(Boolean).slice(0, 200))
    .catch([]),
})

/** `GET /pushes/live`: server-sent events for pushes that start, change, or no longer match the filters. */
export function streamPushes(c: Context<ConsoleEnv>): Response {
  const ledger = c.env.LEDGER
  const filters = Filters.parse(c.req.query())
  const query = queryOf(filters, MAX_NEW)
  // An open push may match the filter once it has its outcome.
  const anyOutcome = { ...query, outcome: undefined }
  let { newest, open } = PageState.parse(c.req.query())
  /** The HTML of each push as the page has it, by id; empty for pushes that the page was rendered with. */
  const sentHtml = new Map(open.map(id => [id, '']))
  let polledAt: number | undefined
  return stream(c, async send => {
    const since = polledAt
    polledAt = Date.now()
    const missed = since === undefined ? await newPushRows(ledger, query, newest) : []
    if (missed.length === MAX_NEW) return 'reload'
    // The request names the pushes, and the operator may have a role in this repository alone.
    const current = await pushRowsOf(ledger, open, filters.repository)
    for (const id of open)
      if (!current.some(push => push.id === id) && sentHtml.delete(id))
        await send('remove', { id, text: NO_PUSH_TEXT })
    const rows = [
      ...current,
      ...missed,
      ...(since === undefined
        ? await newPushRows(ledger, { ...anyOutcome, outcome: 'open' }, '')
        : await newPushRows(ledger, anyOutcome, minIdAt(since - OVERLAP_MS))),
    ].sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const push of rows) {
      const { id } = push
      if (filters.outcome !== undefined && filters.outcome !== push.outcome) {
        if (sentHtml.delete(id)) await send('remove', { id, text: statusText(push) })
        continue
      }
      const html = await render(<PushItem push={push} />)
      if (sentHtml.get(id) === withoutRelativeTimes(html)) continue
      sentHtml.set(id, withoutRelativeTimes(html))
      await send('push', { id, html })
    }
    open = rows.filter(push => push.outcome === 'open').map(push => push.id)
    return open.length > 0 ? OPEN_POLL_MS : IDLE_POLL_MS
  })
}

/** `GET /pushes/<id>/live`: server-sent events with the page of a push, until the push has its outcome. */
export function streamPush(c: Context<ConsoleEnv>): Response {
  const id = c.req.param('id') ?? ''
  let sentHtml = ''
  return stream(c, async send => {
    const push = await findPush(c.env.LEDGER, id)
    // The request pushed nothing, so its record was deleted; the reloaded page is a 404.
    if (!push) return 'reload'
    const state = await render(<PushState push={push} />)
    const html = state + (await render(<PushBody c={c} push={push} />))
    if (withoutRelativeTimes(html) !== sentHtml) await send('page', { html, text: statusText(push) })
    sentHtml = withoutRelativeTimes(html)
    return push.outcome === 'open' ? OPEN_POLL_MS : 'end'
  })
}

/** Renders an element to HTML, also when it contains async components. */
async function render(element: HtmlEscapedString | Promise<HtmlEscapedString>): Promise<string> {
  return (await element).toString()
}

/** Removes the text of relative times, which browser/times.js updates by itself. */
const withoutRelativeTimes = (html: string): string => html.replace(/(<time [^>]*>)[^<]*/g, '$1')

type Send = (
  event: 'push' | 'remove' | 'page',
  data: { id?: string; html?: string; text?: string },
) => Promise<void>

/** The last event of a stream: no further change is possible, or the page must reload to catch up. */
type LastEvent = 'end' | 'reload'

/** Runs `poll` while the client is connected and signed in, with the same roles. `poll` returns the milliseconds until its next run. */
function stream(c: Context<ConsoleEnv>, poll: (send: Send) => Promise<number | LastEvent>): Response {
  c.header('x-accel-buffering', 'no')
  const response = streamSSE(c, async sse => {
    const disconnect = new AbortController()
    sse.onAbort(() => disconnect.abort())
    c.req.raw.signal.addEventListener('abort', () => disconnect.abort(), { once: true })
    await sse.write(': connected\n\n')
    for (let polls = 0; polls < MAX_POLLS && !disconnect.signal.aborted; polls++) {
      const found = await currentOperator(c)
      const next = !found
        ? 'signed-out'
        : JSON.stringify(found.operator.roles) !== JSON.stringify(c.var.operator.roles)
          ? 'reload'
          : await poll((event, data) => sse.writeSSE({ event, data: JSON.stringify(data) }))
      if (typeof next === 'string') return sse.writeSSE({ event: next, data: '' })
      if (polls % KEEPALIVE_POLLS === KEEPALIVE_POLLS - 1) await sse.write(': keepalive\n\n')
      await sse.sleep(next)
    }
    await sse.writeSSE({ event: 'reconnect', data: '' })
  })
  response.headers.set('cache-control', 'no-store')
  return response
}
