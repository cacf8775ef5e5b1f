import type { Context } from 'hono'
import type { z } from 'zod'
import { AddedWebhook, Webhook } from '../../../contract/admin-api/webhooks.ts'
import { listWebhooks } from '../../../ledger/webhooks.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { CopyBox } from '../../components/copy-box.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { UntrustedText } from '../../components/untrusted-text.tsx'
import { type ApiProblem, callApi } from '../../forms/call-api.ts'
import { ConfirmForm } from '../../forms/confirm-form.tsx'
import { DisclosureForm } from '../../forms/disclosure-form.tsx'
import { Field } from '../../forms/field.tsx'
import { pathOf } from '../../paths.ts'
import { EmptyState, ErrorMessage } from '../frame/layout.tsx'
import { settingsPage } from './settings-page.tsx'

/** `GET /settings/webhooks` */
export const showWebhooks = (c: Context<ConsoleEnv>) => webhooksPage(c, {})

/** `POST /settings/webhooks`: adds a webhook. No other page ever shows its secret. */
export async function addWebhook(c: Context<ConsoleEnv>): Promise<Response> {
  const { url, events, format } = await c.req.parseBody()
  const wanted = { url: String(url ?? '').trim(), events: String(events ?? ''), format: String(format ?? '') }
  const added = await callApi(c, AddedWebhook, 'POST', '/webhooks', wanted)
  return webhooksPage(c, added.ok ? { added: added.value } : { addProblem: added.problem, url: wanted.url })
}

/** `POST /settings/webhooks/remove` */
export async function removeWebhook(c: Context<ConsoleEnv>): Promise<Response> {
  const { id } = await c.req.parseBody()
  const removed = await callApi(c, Webhook, 'DELETE', `/webhooks/${encodeURIComponent(String(id))}`)
  return removed.ok ? c.redirect(pathOf.webhooks, 303) : webhooksPage(c, { problem: removed.problem })
}

interface PageState {
  readonly added?: z.infer<typeof AddedWebhook>
  readonly problem?: ApiProblem
  /** The problem of a rejected new webhook, with the submitted URL. */
  readonly addProblem?: ApiProblem
  readonly url?: string
}

async function webhooksPage(
  c: Context<ConsoleEnv>,
  { added, problem, addProblem, url }: PageState,
): Promise<Response> {
  const webhooks = await listWebhooks(c.env.LEDGER)
  return settingsPage(c, {
    title: 'Webhooks',
    problem: problem ?? addProblem,
    children: (
      <>
        <ErrorMessage problem={problem} />
        {added && <Added of={added} />}
        {webhooks.length === 0 && (
          <EmptyState title="There is no webhook yet.">
            <p>
              Add the URL of a receiver. The gate calls it when a push ends, or when a finding waits for you.
            </p>
          </EmptyState>
        )}
        <ul class="plain-list">
          {webhooks.map(webhook => (
            <li>
              <UntrustedText text={webhook.url} mono />
              <p class="muted small">
                {EVENTS[webhook.events]}; {FORMATS[webhook.format]}; added{' '}
                <RelativeTime iso={webhook.createdAt} />
              </p>
              {webhook.problem && (
                <p class="small">
                  The last attempt failed <RelativeTime iso={webhook.problem.at} />:{' '}
                  <UntrustedText text={webhook.problem.text} />
                </p>
              )}
              <ConfirmForm
                c={c}
                action={`${pathOf.webhooks}/remove`}
                verb="Remove"
                object={`the webhook ${webhook.id}`}
                effect="Deliveries that wait for it are deleted with it."
                values={{ id: webhook.id }}
              />
            </li>
          ))}
        </ul>
        <AddWebhookForm c={c} open={webhooks.length === 0} problem={addProblem} url={url} />
      </>
    ),
  })
}

const EVENTS: Readonly<Record<Webhook['events'], string>> = {
  pushes: 'the outcome of every push',
  exceptions: 'pushes with a finding whose agent asks for an exception',
  approvals: 'pushes that wait for an approval',
}

const FORMATS: Readonly<Record<Webhook['format'], string>> = {
  json: 'the record of the push as JSON',
  slack: 'messages for Slack',
  discord: 'messages for Discord',
  teams: 'messages for Microsoft Teams',
  email: 'e-mails',
}

const Added = ({ of: { url, secret } }: { of: z.infer<typeof AddedWebhook> }) => (
  <div class="new-token" role="status" tabindex={-1} autofocus>
    <p>
      <strong>
        The webhook for <UntrustedText text={url} /> was added.
        {secret !== null && ' Copy its secret now: it is not shown again.'}
      </strong>
    </p>
    {secret !== null && (
      <>
        <CopyBox id="webhook-secret" text={secret} label="the secret" />
        <p>The receiver verifies each delivery with it, as standardwebhooks.com describes.</p>
      </>
    )}
  </div>
)

const AddWebhookForm = ({
  c,
  open,
  problem,
  url,
}: {
  c: Context<ConsoleEnv>
  open: boolean
  problem: ApiProblem | undefined
  url: string | undefined
}) => (
  <DisclosureForm
    c={c}
    summary="Add a webhook"
    action={pathOf.webhooks}
    button="Add"
    open={open}
    problem={problem}
  >
    <Field
      id="url"
      label="URL"
      hint="of the receiver, without a user name or password; or mailto: and an e-mail address"
      wide
    >
      <input
        id="url"
        name="url"
        type="url"
        aria-describedby="url-hint"
        required
        maxlength={2000}
        value={url ?? ''}
        placeholder="https://hooks.example.com/git-gate"
        autocomplete="off"
      />
    </Field>
    <Field id="events" label="Events">
      <select id="events" name="events">
        {Webhook.shape.events.options.map(events => (
          <option value={events}>{EVENTS[events]}</option>
        ))}
      </select>
    </Field>
    <Field
      id="format"
      label="Format"
      hint="a chat service or an e-mail address gets a message about each push that needs attention, but about the same thing only once an hour"
    >
      <select id="format" name="format" aria-describedby="format-hint">
        {Webhook.shape.format.options.map(format => (
          <option value={format}>{FORMATS[format]}</option>
        ))}
      </select>
    </Field>
  </DisclosureForm>
)
