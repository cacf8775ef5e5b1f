import { createRoute, z } from '@hono/zod-openapi'
import { PushQuery, type PushRecord } from '../../contract/admin-api/pushes.ts'
import { visibleJson } from '../../contract/text/invisible-characters.ts'
import { exportPushes } from '../../ledger/pushes/read-pushes.ts'
import { createApiRouter, jsonResponses, validationProblem } from '../router.ts'

const PAGE_SIZE = 500
const Filter = PushQuery.omit({ limit: true, cursor: true })

/** Exports the push history as JSON lines. The router's typed responses cannot describe a stream. */
export const exportRoute = createApiRouter()
exportRoute.openAPIRegistry.registerPath(
  createRoute({
    method: 'get',
    path: '/export/pushes',
    tags: ['records'],
    summary: 'Export full push records as JSON lines, newest first',
    request: { query: Filter },
    responses: {
      ...jsonResponses(200, z.unknown(), 'A PushRecord on each line'),
      200: {
        description: 'A PushRecord on each line',
        content: { 'application/x-ndjson': { schema: z.string() } },
      },
    },
  }),
)
exportRoute.get('/export/pushes', c => {
  const filter = Filter.safeParse(c.req.query())
  if (!filter.success) throw validationProblem(filter.error)
  const page = (cursor: string | undefined) =>
    exportPushes(c.env.LEDGER, { ...filter.data, cursor, limit: PAGE_SIZE })
  return new Response(jsonLines(page), { headers: { 'content-type': 'application/x-ndjson' } })
})

/** Reads the next page of records when the client has read the last. */
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
