import { createRoute, z } from '@hono/zod-openapi'
import { GrantedException, NewException } from '../../../contract/admin-api/findings.ts'
import { findRepository } from '../../../ledger/access/repositories.ts'
import {
  addException,
  countExceptions,
  findException,
  listExceptions,
  revokeException,
} from '../../../ledger/findings/exceptions.ts'
import { assertFuture } from '../../expiry.ts'
import { notFound, Problem } from '../../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../../router.ts'

const tags = ['exceptions']

/** The pass of every push carries the repository's exceptions, and a header has a size limit. */
const MAX_EXCEPTIONS = 500

/** Throws a 409 unless the repository may have `more` exceptions. */
export async function assertRoomFor(ledger: D1Database, more: number, repository: string): Promise<void> {
  if ((await countExceptions(ledger, repository)) + more <= MAX_EXCEPTIONS) return
  throw new Problem(
    409,
    'too-many-exceptions',
    `${repository} may have at most ${MAX_EXCEPTIONS} active exceptions`,
    'Revoke exceptions (git gate exception list), or allow what they have in common in a gitleaks configuration (git gate repo set --gitleaks-config)',
  )
}

export const exceptions = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/exceptions',
      tags,
      summary: 'List exceptions',
      request: { query: z.object({ repository: z.string().max(512).optional() }) },
      responses: jsonResponses(
        200,
        z.array(GrantedException),
        'The exceptions, newest first, including expired and revoked exceptions',
      ),
    }),
    async c => c.json(await listExceptions(c.env.LEDGER, c.req.valid('query').repository), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/exceptions',
      tags,
      summary: 'Grant an exception for a finding',
      description: 'The new exception replaces an active exception for the same finding.',
      request: { body: jsonBody(NewException) },
      responses: jsonResponses(201, GrantedException, 'The exception'),
    }),
    async c => {
      const wanted = c.req.valid('json')
      assertFuture('until', wanted.until)
      const repository = await findRepository(c.env.LEDGER, wanted.repository)
      if (!repository) throw notFound(`repository ${wanted.repository}`, 'repo')
      await assertRoomFor(c.env.LEDGER, 1, repository.name)
      const granted = await addException(c.env.LEDGER, c.var.operator, {
        ...wanted,
        repository: repository.name,
      })
      return c.json(granted, 201)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/exceptions/{id}',
      tags,
      summary: 'Revoke an exception: the gate refuses the finding again',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: jsonResponses(200, GrantedException, 'The revoked exception'),
    }),
    async c => {
      const { id } = c.req.valid('param')
      await revokeException(c.env.LEDGER, c.var.operator, id)
      const exception = await findException(c.env.LEDGER, id)
      if (!exception) throw notFound(`exception ${id}`, 'exception')
      return c.json(exception, 200)
    },
  )
