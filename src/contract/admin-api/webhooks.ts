import { z } from 'zod'
import { Time } from './common.ts'

/** The pushes of which a webhook is told. */
const WebhookEvents = z.enum(['pushes', 'exceptions', 'approvals'])

/** The format of deliveries: JSON with the push's whole record, or a message for a chat service. */
const WebhookFormat = z.enum(['json', 'slack', 'discord', 'teams'])

export const NewWebhook = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .refine(
        url => !URL.parse(url)?.username && !URL.parse(url)?.password,
        'no user name or password is sent along; what is sent is signed instead',
      ),
    events: WebhookEvents.default('pushes').meta({
      description:
        'Every outcome of a push, only pushes with a finding that asks for an exception, or only pushes that wait for an approval',
    }),
    format: WebhookFormat.default('json').meta({
      description:
        'The record of the push as JSON, or a message for Slack, Discord or Microsoft Teams about a push that needs attention',
    }),
  })
  .meta({ id: 'NewWebhook' })
export type NewWebhook = z.infer<typeof NewWebhook>

const webhook = {
  id: z.string(),
  url: z.string(),
  events: WebhookEvents,
  format: WebhookFormat,
  createdAt: Time,
}

export const Webhook = z.object(webhook).meta({ id: 'Webhook' })
export type Webhook = z.infer<typeof Webhook>

export const AddedWebhook = z
  .object({
    ...webhook,
    secret: z.string().meta({ description: 'It signs what is sent (standardwebhooks.com); shown this once' }),
  })
  .meta({ id: 'AddedWebhook' })
