import { createRoute, z } from '@hono/zod-openapi'
import { GrantedException, NewException } from '../../contract/api.ts'
import { findRepository } from '../../ledger/access/repositories.ts'
import {
  addException,
  countExceptions,
  findException,
  listExceptions,
  revokeException,
} from '../../ledger/findings/exceptions.ts'
import { mustBeAhead } from '../expiry.ts'
import { notFound, Problem } from '../problem.ts'
import { answers, room, takes } from '../router.ts'

const tags = ['exceptions']

/** Every push of the repository takes them along, in the header of its pass. */
const MOST_EXCEPTIONS = 500

export const exceptions = room()
  .openapi(
    createRoute({
      method: 'get',
      path: '/exceptions',
      tags,
      summary: 'The findings that may pass',
      request: { query: z.object({ repository: z.string().max(512).optional() }) },
      responses: answers(
        200,
        z.array(GrantedException),
        'The exceptions, newest first, with those that have ended',
      ),
    }),
    async c => c.json(await listExceptions(c.env.LEDGER, c.req.valid('query').repository), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/exceptions',
      tags,
      summary: 'Let one finding pass',
      description: 'It takes the place of an exception that the finding has.',
      request: { body: takes(NewException) },
      responses: answers(201, GrantedException, 'The exception'),
    }),
    async c => {
      const wanted = c.req.valid('json')
      mustBeAhead('until', wanted.until)
      const repository = await findRepository(c.env.LEDGER, wanted.repository)
      if (!repository) throw notFound(`repository ${wanted.repository}`, 'repo')
      if ((await countExceptions(c.env.LEDGER, repository.name)) >= MOST_EXCEPTIONS)
        throw new Problem(
          409,
          'too-many-exceptions',
          `${repository.name} has ${MOST_EXCEPTIONS} exceptions that hold`,
          'Revoke some (git gate exception list), or allow what they have in common with a gitleaks configuration: git gate repo set',
        )
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
      summary: 'Revoke an exception: the finding is refused again',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: answers(200, GrantedException, 'The exception, revoked'),
    }),
    async c => {
      const { id } = c.req.valid('param')
      await revokeException(c.env.LEDGER, c.var.operator, id)
      const exception = await findException(c.env.LEDGER, id)
      if (!exception) throw notFound(`exception ${id}`, 'exception')
      return c.json(exception, 200)
    },
  )
