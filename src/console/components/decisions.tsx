import type { Context } from 'hono'
import type { Declined, GrantedException } from '../../contract/api.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { Form } from '../pages/layout.tsx'
import { pathOf } from '../paths.ts'
import { When } from './relative-time.tsx'
import { Given } from './untrusted-text.tsx'

/** So many of each kind of decision are shown at a time. */
const SHOWN = 15

/** The exceptions that hold, newest first, as far as they are shown. */
export const Exceptions = ({
  c,
  holding,
}: {
  c: Context<ConsoleEnv>
  holding: readonly GrantedException[]
}) => (
  <section aria-labelledby="exceptions">
    <h2 id="exceptions">Exceptions that hold</h2>
    {holding.length === 0 && <p class="quiet">None: every finding is refused.</p>}
    <ul class="plain-list">
      {holding.slice(0, SHOWN).map(each => (
        <li>
          <Given text={each.reason} />
          <p class="quiet small">
            <Given text={each.fingerprint} mono /> in <Given text={each.repository} />, by{' '}
            <Given text={each.grantedBy} /> <When iso={each.createdAt} />
            {each.until ? (
              <>
                ; ends <When iso={each.until} />
              </>
            ) : (
              '; until it is revoked'
            )}
          </p>
          <Form c={c} action={`${pathOf.waiting}/revoke`}>
            <input type="hidden" name="id" value={each.id} />
            <button type="submit">
              Revoke<span class="unseen"> the exception {each.id}</span>
            </button>
          </Form>
        </li>
      ))}
    </ul>
    {holding.length > SHOWN && (
      <p class="quiet">
        And {holding.length - SHOWN} more: <code>git gate exception list</code>
      </p>
    )}
  </section>
)

/** The findings that were declined, newest first, from the one at `from` on. */
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
      {declined.slice(from, from + SHOWN).map(each => (
        <li>
          <Given text={each.reason || 'no reason given'} />
          <p class="quiet small">
            <Given text={each.fingerprint} mono /> in <Given text={each.repository} />, by{' '}
            <Given text={each.declinedBy} /> <When iso={each.createdAt} />
          </p>
          <Form c={c} action={`${pathOf.waiting}/take-back`}>
            <input type="hidden" name="repository" value={each.repository} />
            <input type="hidden" name="fingerprint" value={each.fingerprint} />
            <button type="submit">
              Take back<span class="unseen"> the decline of {each.fingerprint}</span>
            </button>
          </Form>
        </li>
      ))}
    </ul>
    <p class="older">
      {from > 0 && <a href={`${pathOf.waiting}#declined`}>Newest ones</a>}{' '}
      {declined.length > from + SHOWN && (
        <a href={`${pathOf.waiting}?declined=${from + SHOWN}#declined`}>Older ones</a>
      )}
    </p>
  </section>
)
