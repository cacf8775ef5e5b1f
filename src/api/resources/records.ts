import { createRoute, z } from '@hono/zod-openapi'
import { PushPage, PushQuery, PushRecord } from '../../contract/admin-api/pushes.ts'
import {
  AuditLogPage,
  AuthFailures,
  FetchPage,
  FetchQuery,
  HostCallPage,
  HostCallQuery,
  LfsTransferPage,
  LfsTransferQuery,
  PageQuery,
} from '../../contract/admin-api/records.ts'
import { readAuditLog } from '../../ledger/audit-log.ts'
import { listAuthFailures } from '../../ledger/auth-failures.ts'
import { listFetches } from '../../ledger/fetches.ts'
import { listHostCalls } from '../../ledger/host-calls.ts'
import { listTransfers } from '../../ledger/lfs-records/transfers.ts'
import { findPush, listPushes } from '../../ledger/pushes/read-pushes.ts'
import { notFound } from '../problem.ts'
import { createApiRouter, jsonResponses } from '../router.ts'

const tags = ['records']

/** Returns the cursor of the page after these rows; null after the last page. */
function cursorAfter(rows: readonly { readonly id: string | number }[], limit: number): string | null {
  const last = rows.length === limit ? rows.at(-1) : undefined
  return last ? String(last.id) : null
}

export const records = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/pushes',
      tags,
      summary: 'List push attempts, newest first',
      request: { query: PushQuery },
      responses: jsonResponses(200, PushPage, 'A page of records'),
    }),
    async c => c.json(await listPushes(c.env.LEDGER, c.req.valid('query')), 200),
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/pushes/{id}',
      tags,
      summary: 'Get the full record of a push attempt',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: jsonResponses(200, PushRecord, 'The record'),
    }),
    async c => {
      const { id } = c.req.valid('param')
      const push = await findPush(c.env.LEDGER, id)
      if (!push) throw notFound(`push ${id}`, 'push')
      return c.json(push, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/audit-log',
      tags,
      summary: 'List changes made by operators, newest first',
      request: { query: PageQuery },
      responses: jsonResponses(200, AuditLogPage, 'A page of records'),
    }),
    async c => {
      const { limit, cursor } = c.req.valid('query')
      const entries = await readAuditLog(
        c.env.LEDGER,
        limit,
        cursor === undefined ? undefined : Number(cursor),
      )
      return c.json({ entries, next: cursorAfter(entries, limit) }, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/fetches',
      tags,
      summary: 'List fetches, newest first',
      request: { query: FetchQuery },
      responses: jsonResponses(200, FetchPage, 'A page of records'),
    }),
    async c => {
      const query = c.req.valid('query')
      const fetches = await listFetches(c.env.LEDGER, query)
      return c.json({ fetches, next: cursorAfter(fetches, query.limit) }, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/lfs-transfers',
      tags,
      summary: 'List transfers of LFS objects, newest first',
      request: { query: LfsTransferQuery },
      responses: jsonResponses(200, LfsTransferPage, 'A page of records'),
    }),
    async c => {
      const query = c.req.valid('query')
      const transfers = await listTransfers(c.env.LEDGER, query)
      return c.json({ transfers, next: cursorAfter(transfers, query.limit) }, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/host-calls',
      tags,
      summary: "List agents' calls to hosts' APIs, newest first",
      request: { query: HostCallQuery },
      responses: jsonResponses(200, HostCallPage, 'A page of records'),
    }),
    async c => {
      const query = c.req.valid('query')
      const calls = await listHostCalls(c.env.LEDGER, query)
      return c.json({ calls, next: cursorAfter(calls, query.limit) }, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/auth-failures',
      tags,
      summary: 'List failed authentications per address and minute',
      request: { query: PageQuery.pick({ limit: true }) },
      responses: jsonResponses(200, z.array(AuthFailures), 'The counts, newest first'),
    }),
    async c => c.json(await listAuthFailures(c.env.LEDGER, c.req.valid('query').limit), 200),
  )
