import { createRoute, z } from '@hono/zod-openapi'
import { PushQuery, type PushRecord } from '../../contract/api.ts'
import { visibleJson } from '../../contract/invisible-characters.ts'
import { exportPushes } from '../../ledger/pushes/read-pushes.ts'
import { answers, misfit, room } from '../router.ts'

const PAGE = 500
const Filter = PushQuery.omit({ limit: true, cursor: true })

/** The ledger as JSON lines; a stream is not among the answers that the router knows by their schema. */
export const exported = room()
exported.openAPIRegistry.registerPath(
  createRoute({
    method: 'get',
    path: '/export/pushes',
    tags: ['history'],
    summary: 'Every push attempt in full, as JSON lines, newest first',
    request: { query: Filter },
    responses: {
      ...answers(200, z.unknown(), 'A PushRecord on each line'),
      200: {
        description: 'A PushRecord on each line',
        content: { 'application/x-ndjson': { schema: z.string() } },
      },
    },
  }),
)
exported.get('/export/pushes', c => {
  const filter = Filter.safeParse(c.req.query())
  if (!filter.success) throw misfit(filter.error)
  const page = (cursor: string | undefined) =>
    exportPushes(c.env.LEDGER, { ...filter.data, cursor, limit: PAGE })
  return new Response(jsonLines(page), { headers: { 'content-type': 'application/x-ndjson' } })
})

/** Rows as they are asked for, a page at a time. */
function jsonLines(
  page: (cursor: string | undefined) => Promise<{ pushes: PushRecord[]; next: string | null }>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let cursor: string | undefined
  return new ReadableStream({
    async pull(controller) {
      const { pushes, next } = await page(cursor)
      if (pushes.length)
        controller.enqueue(encoder.encode(pushes.map(push => `${visibleJson(push)}\n`).join('')))
      if (next === null) controller.close()
      else cursor = next
    },
  })
}
