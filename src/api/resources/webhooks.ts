import { createRoute, z } from '@hono/zod-openapi'
import { settingsOf } from '../../common/settings.ts'
import { AddedWebhook, NewWebhook, Webhook } from '../../contract/api.ts'
import { addWebhook, findWebhook, listWebhooks, removeWebhook } from '../../ledger/webhooks.ts'
import { webhookSecret } from '../../webhooks/signature.ts'
import { notFound } from '../problem.ts'
import { answers, room, takes } from '../router.ts'

const tags = ['webhooks']

export const webhooks = room()
  .openapi(
    createRoute({
      method: 'get',
      path: '/webhooks',
      tags,
      summary: 'Who is told what pushes came to',
      responses: answers(200, z.array(Webhook), 'The webhooks, oldest first'),
    }),
    async c => c.json(await listWebhooks(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/webhooks',
      tags,
      summary: 'Tell a URL what pushes come to',
      description: 'Signed as standardwebhooks.com has it, and tried again for a day. No push waits for it.',
      request: { body: takes(NewWebhook) },
      responses: answers(201, AddedWebhook, 'The webhook, with its secret, which is shown this once'),
    }),
    async c => {
      const added = await addWebhook(c.env.LEDGER, c.var.operator, c.req.valid('json'))
      const secret = await webhookSecret(added.id, settingsOf(c.env).GATE_PASS_KEY)
      return c.json({ ...added, secret }, 201)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/webhooks/{id}',
      tags,
      summary: 'Stop telling a URL',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: answers(200, Webhook, 'The webhook as it was'),
    }),
    async c => {
      const { id } = c.req.valid('param')
      const webhook = await findWebhook(c.env.LEDGER, id)
      if (!webhook) throw notFound(`webhook ${id}`, 'webhook')
      await removeWebhook(c.env.LEDGER, c.var.operator, id)
      return c.json(webhook, 200)
    },
  )
