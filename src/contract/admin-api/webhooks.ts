import { z } from 'zod'
import { EmailAddress } from '../mail.ts'
import { Time } from './common.ts'

/** The pushes of which a webhook is told. */
const WebhookEvents = z.enum(['pushes', 'exceptions', 'approvals'])

/** The format of deliveries: JSON with the push's whole record, or a message for a chat service or by e-mail. */
const WebhookFormat = z.enum(['json', 'slack', 'discord', 'teams', 'email'])

const isMailto = (url: string): boolean => /^mailto:/i.test(url)

export const NewWebhook = z
  .strictObject({
    url: z
      .url({ protocol: /^(https?|mailto)$/ })
      .max(2000)
      .refine(
        url => !isMailto(url) || EmailAddress.safeParse(url.slice('mailto:'.length)).success,
        'a mailto: URL has one e-mail address and nothing else',
      )
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
        'The record of the push as JSON, or a message about a push that needs attention: for Slack, Discord or Microsoft Teams, or an e-mail to the address of a mailto: URL',
    }),
  })
  .refine(({ url, format }) => isMailto(url) === (format === 'email'), {
    path: ['format'],
    message: 'email goes with a mailto: URL, and only with it',
  })
  .meta({ id: 'NewWebhook' })
export type NewWebhook = z.infer<typeof NewWebhook>

const webhook = {
  id: z.string(),
  url: z.string(),
  events: WebhookEvents,
  format: WebhookFormat,
  createdAt: Time,
  problem: z
    .object({ text: z.string(), at: Time })
    .nullable()
    .meta({ description: 'Why the last attempt failed; null: it succeeded, or there was none' }),
}

export const Webhook = z.object(webhook).meta({ id: 'Webhook' })
export type Webhook = z.infer<typeof Webhook>

export const AddedWebhook = z
  .object({
    ...webhook,
    secret: z.string().nullable().meta({
      description: 'It signs what is sent (standardwebhooks.com); shown this once. Null of an e-mail address',
    }),
  })
  .meta({ id: 'AddedWebhook' })
