import type { Context } from 'hono'
import type { Declined, GrantedException } from '../../contract/admin-api/findings.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { RelativeTime } from '../components/relative-time.tsx'
import { UntrustedText } from '../components/untrusted-text.tsx'
import { ConfirmForm } from '../forms/confirm-form.tsx'
import { Form } from '../pages/frame/layout.tsx'
import { pathOf } from '../paths.ts'

/** The page shows this many exceptions, and this many declined findings. */
export const PAGE_SIZE = 15

/** The newest active exceptions. */
export const Exceptions = ({
  c,
  active,
}: {
  c: Context<ConsoleEnv>
  active: readonly GrantedException[]
}) => (
  <section aria-labelledby="exceptions">
    <h2 id="exceptions">Active exceptions</h2>
    {active.length === 0 && <p class="muted">None. The gate refuses every finding.</p>}
    <ul class="plain-list">
      {active.slice(0, PAGE_SIZE).map(exception => (
        <li>
          <UntrustedText text={exception.reason} />
          <p class="muted small">
            <UntrustedText text={exception.fingerprint} mono /> in{' '}
            <UntrustedText text={exception.repository} />, by <UntrustedText text={exception.grantedBy} />{' '}
            <RelativeTime iso={exception.createdAt} />
            {exception.until ? (
              <>
                ; expires <RelativeTime iso={exception.until} />
              </>
            ) : (
              '; never expires'
            )}
          </p>
          <ConfirmForm
            c={c}
            action={`${pathOf.pending}/revoke`}
            verb="Revoke"
            object={`the exception ${exception.id}`}
            effect="The gate refuses the finding again."
            values={{ id: exception.id }}
          />
        </li>
      ))}
    </ul>
    {active.length > PAGE_SIZE && (
      <p class="muted">
        {active.length - PAGE_SIZE} more: <code>git gate exception list</code>
      </p>
    )}
  </section>
)

/**
 * A page of the declined findings, newest first; `from` is the index of its first. A finding beyond PAGE_SIZE tells that
 * there are older ones.
 */
export const Declines = ({
  c,
  declined,
  from,
}: {
  c: Context<ConsoleEnv>
  declined: readonly Declined[]
  from: number
}) => (
  <section aria-labelledby="declined">
    <h2 id="declined">Declined</h2>
    <ul class="plain-list">
      {declined.slice(0, PAGE_SIZE).map(decline => (
        <li>
          <UntrustedText text={decline.reason || 'no reason given'} />
          <p class="muted small">
            <UntrustedText text={decline.fingerprint} mono /> in <UntrustedText text={decline.repository} />,
            by <UntrustedText text={decline.declinedBy} /> <RelativeTime iso={decline.createdAt} />
          </p>
          <Form c={c} action={`${pathOf.pending}/undo-decline`}>
            <input type="hidden" name="repository" value={decline.repository} />
            <input type="hidden" name="fingerprint" value={decline.fingerprint} />
            <button type="submit">
              Undo<span class="visually-hidden"> the decline of {decline.fingerprint}</span>
            </button>
          </Form>
        </li>
      ))}
    </ul>
    <p class="pagination">
      {from > 0 && <a href={`${pathOf.pending}#declined`}>Newest declined findings</a>}{' '}
      {declined.length > PAGE_SIZE && (
        <a href={`${pathOf.pending}?declined=${from + PAGE_SIZE}#declined`}>Older declined findings</a>
      )}
    </p>
  </section>
)
