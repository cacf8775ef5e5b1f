import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { HtmlEscapedString } from 'hono/utils/html'
import { z } from 'zod'
import { settle } from '../companion/settle.ts'
import { findPush } from '../ledger/history.ts'
import { idsFrom } from '../ledger/id.ts'
import { newPushRows, type PushRow, pushRowsOf } from '../ledger/push-rows.ts'
import type { ConsoleEnv } from './env.ts'
import { PushBody } from './push.tsx'
import { PushLine } from './push-line.tsx'
import { Filters, queryOf } from './pushes.tsx'

/** How often the ledger is looked at, in milliseconds: while a push is open, and while none is. */
const BUSY_MS = 400
const IDLE_MS = 1_000
/** A stream ends after this many looks, in good time before a Worker's limits, and the page opens the next one. */
const LOOKS = 300
/** Open pushes that the companion is asked about in one look. */
const ASKED = 20
/** New pushes that one look brings. */
const NEW = 100
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

/** `GET /pushes/live`: the list's lines as they begin and change, as server-sent events. */
export function streamPushes(c: Context<ConsoleEnv>): Response {
  const query = queryOf(Filters.parse(c.req.query()), NEW)
  let { newest, open } = Shown.parse(c.req.query())
  const sent = new Map<string, string>()
  return stream(c, async send => {
    const rows = [
      ...(await currentRows(c.env, open)),
      ...(await newPushRows(c.env.LEDGER, query, earlier(newest, idsFrom(Date.now() - OVERLAP_MS)))),
    ].sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const push of rows) {
      const html = await render(<PushLine push={push} />)
      if (sent.get(push.id) === html) continue
      sent.set(push.id, html)
      await send('push', push.id, html)
    }
    newest = rows.at(-1)?.id ?? newest
    open = rows.filter(push => push.outcome === 'open').map(push => push.id)
    return open.length > 0 ? BUSY_MS : IDLE_MS
  })
}

/** `GET /pushes/<id>/live`: one push's page until it has its outcome. */
export function streamPush(c: Context<ConsoleEnv>): Response {
  const id = c.req.param('id') ?? ''
  let sent = ''
  return stream(c, async send => {
    await currentRows(c.env, [id])
    const push = await findPush(c.env.LEDGER, id)
    if (!push) return 'end'
    const html = await render(<PushBody c={c} push={push} />)
    if (html !== sent) await send('page', id, html)
    sent = html
    return push.outcome === 'open' ? BUSY_MS : 'end'
  })
}

const earlier = (one: string, other: string) => (one < other ? one : other)

/** The rows of open pushes, after the companion was asked what they are at. */
async function currentRows(env: Env, ids: readonly string[]): Promise<PushRow[]> {
  const known = await pushRowsOf(env.LEDGER, ids)
  const open = known.filter(push => push.outcome === 'open').slice(0, ASKED)
  if (open.length === 0) return known
  await Promise.all(open.map(push => settle(env, push, 0)))
  return pushRowsOf(env.LEDGER, ids)
}

/** Markup of components, also of those that wait for something. */
async function render(element: HtmlEscapedString | Promise<HtmlEscapedString>): Promise<string> {
  return (await element).toString()
}

type Send = (event: string, id: string, html: string) => Promise<void>

/** Looks again and again, as long as someone watches; `look` answers when to look next. */
function stream(c: Context<ConsoleEnv>, look: (send: Send) => Promise<number | 'end'>): Response {
  c.header('x-accel-buffering', 'no')
  return streamSSE(c, async sse => {
    const gone = new AbortController()
    sse.onAbort(() => gone.abort())
    c.req.raw.signal.addEventListener('abort', () => gone.abort(), { once: true })
    await sse.write(': watching\n\n')
    for (let looks = 0; looks < LOOKS && !gone.signal.aborted; looks++) {
      const next = await look((event, id, html) =>
        sse.writeSSE({ event, data: JSON.stringify({ id, html }) }),
      )
      if (next === 'end') break
      if (looks % 15 === 14) await sse.write(': still here\n\n')
      await sse.sleep(next)
    }
    await sse.writeSSE({ event: 'end', data: '' })
  })
}
