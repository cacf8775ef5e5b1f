import { createRoute, z } from '@hono/zod-openapi'
import { companionKind, settingsOf } from '../../common/settings.ts'
import { AddedWebhook, NewWebhook, Webhook } from '../../contract/admin-api/webhooks.ts'
import { addWebhook, findWebhook, listWebhooks, removeWebhook } from '../../ledger/webhooks.ts'
import { webhookSecret } from '../../webhooks/signature.ts'
import { notFound, Problem } from '../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../router.ts'

const tags = ['webhooks']

export const webhooks = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/webhooks',
      tags,
      summary: 'List webhooks',
      responses: jsonResponses(200, z.array(Webhook), 'The webhooks, oldest first'),
    }),
    async c => c.json(await listWebhooks(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/webhooks',
      tags,
      summary: 'Add a webhook, or an e-mail address, for the outcomes of pushes',
      description:
        'Deliveries are signed as standardwebhooks.com specifies, and retried for a day. No push waits for a delivery.',
      request: { body: jsonBody(NewWebhook) },
      responses: jsonResponses(201, AddedWebhook, 'The webhook, with its secret, which is shown only once'),
    }),
    async c => {
      const wanted = c.req.valid('json')
      const settings = settingsOf(c.env)
      const isEmail = wanted.format === 'email'
      if (isEmail && settings.GATE_SMTP_URL === undefined) throw noMailServer(companionKind(settings))
      const added = await addWebhook(c.env.LEDGER, c.var.operator, wanted)
      const secret = isEmail ? null : await webhookSecret(added.id, settings.GATE_PASS_KEY)
      return c.json({ ...added, secret }, 201)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/webhooks/{id}',
      tags,
      summary: 'Remove a webhook',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: jsonResponses(200, Webhook, 'The removed webhook'),
    }),
    async c => {
      const { id } = c.req.valid('param')
      const webhook = await findWebhook(c.env.LEDGER, id)
      if (!webhook) throw notFound(`webhook ${id}`, 'webhook')
      await removeWebhook(c.env.LEDGER, c.var.operator, id)
      return c.json(webhook, 200)
    },
  )

const noMailServer = (companion: 'local' | 'container') =>
  companion === 'local'
    ? new Problem(
        409,
        'no-mail-server',
        'this gate has no mail server',
        'Start it with GATE_SMTP_URL and GATE_SMTP_FROM (docs/deploy.md, Webhooks)',
      )
    : new Problem(
        409,
        'no-mail-server',
        "at Cloudflare's edge the gate sends no e-mail",
        'Use a chat service, or a service that sends e-mail for an HTTPS webhook',
      )
