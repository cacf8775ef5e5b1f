import { z } from 'zod'
import { Time } from './common.ts'

export const NewWebhook = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .refine(
        url => !URL.parse(url)?.username && !URL.parse(url)?.password,
        'no user name or password is sent along; what is sent is signed instead',
      ),
    events: z.enum(['pushes', 'exceptions']).default('pushes').meta({
      description: 'Every outcome of a push, or only pushes with a finding that asks for an exception',
    }),
  })
  .meta({ id: 'NewWebhook' })
export type NewWebhook = z.infer<typeof NewWebhook>

const webhook = { id: z.string(), url: z.string(), events: z.enum(['pushes', 'exceptions']), createdAt: Time }

export const Webhook = z.object(webhook).meta({ id: 'Webhook' })
export type Webhook = z.infer<typeof Webhook>

export const AddedWebhook = z
  .object({
    ...webhook,
    secret: z.string().meta({ description: 'It signs what is sent (standardwebhooks.com); shown this once' }),
  })
  .meta({ id: 'AddedWebhook' })
