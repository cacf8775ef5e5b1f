import { createRoute, z } from '@hono/zod-openapi'
import {
  ChangePage,
  ChangeQuery,
  Failures,
  FetchPage,
  FetchQuery,
  PushPage,
  PushQuery,
  PushRecord,
} from '../../contract/api.ts'
import { listChanges } from '../../ledger/audit-log.ts'
import { listFailures } from '../../ledger/auth-failures.ts'
import { listFetches } from '../../ledger/pushes/fetches.ts'
import { findPush, listPushes } from '../../ledger/pushes/read-pushes.ts'
import { notFound } from '../problem.ts'
import { answers, room } from '../router.ts'

const tags = ['history']

export const history = room()
  .openapi(
    createRoute({
      method: 'get',
      path: '/pushes',
      tags,
      summary: 'Push attempts, newest first',
      request: { query: PushQuery },
      responses: answers(200, PushPage, 'A page of them'),
    }),
    async c => c.json(await listPushes(c.env.LEDGER, c.req.valid('query')), 200),
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/pushes/{id}',
      tags,
      summary: 'Everything on record about one push attempt',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: answers(200, PushRecord, 'The record'),
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
      path: '/changes',
      tags,
      summary: 'What operators changed, newest first',
      request: { query: ChangeQuery },
      responses: answers(200, ChangePage, 'A page of them'),
    }),
    async c => {
      const { limit, cursor } = c.req.valid('query')
      const changes = await listChanges(
        c.env.LEDGER,
        limit,
        cursor === undefined ? undefined : Number(cursor),
      )
      const last = changes.length === limit ? changes.at(-1) : undefined
      return c.json({ changes, next: last ? String(last.id) : null }, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/fetches',
      tags,
      summary: 'Fetches, newest first',
      request: { query: FetchQuery },
      responses: answers(200, FetchPage, 'A page of them'),
    }),
    async c => {
      const query = c.req.valid('query')
      const fetches = await listFetches(c.env.LEDGER, query)
      const last = fetches.length === query.limit ? fetches.at(-1) : undefined
      return c.json({ fetches, next: last ? String(last.id) : null }, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/failures',
      tags,
      summary: 'Requests whose credentials did not hold, by address and minute',
      request: { query: ChangeQuery.pick({ limit: true }) },
      responses: answers(200, z.array(Failures), 'The newest'),
    }),
    async c => c.json(await listFailures(c.env.LEDGER, c.req.valid('query').limit), 200),
  )
