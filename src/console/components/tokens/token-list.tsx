import type { Child } from 'hono/jsx'
import type { AdminToken, Token } from '../../../contract/admin-api/tokens.ts'
import { describeRole } from '../../../contract/role.ts'
import { plural } from '../../../contract/text/plural.ts'
import { isActive } from '../is-active.ts'
import { RelativeTime } from '../relative-time.tsx'
import { UntrustedText } from '../untrusted-text.tsx'

/** A token of an agent or of an operator. */
type ListedToken = Omit<Token, 'agent'> | AdminToken

/** A token of an agent or an operator, without its secret. */
export const TokenItem = ({ token, children }: { token: ListedToken; children?: Child }) => (
  <li>
    <span>
      <UntrustedText text={token.id} mono /> <UntrustedText text={token.label} />
    </span>
    <p class="muted small">
      {'role' in token && (
        <>
          <UntrustedText text={describeRole(token)} />;{' '}
          {token.owner !== null && (
            <>
              owner <UntrustedText text={token.owner} />;{' '}
            </>
          )}
        </>
      )}
      minted <RelativeTime iso={token.createdAt} />;{' '}
      {token.lastUsedAt ? (
        <>
          last used <RelativeTime iso={token.lastUsedAt} />
        </>
      ) : (
        'never used'
      )}
      ; <TokenExpiry token={token} />
    </p>
    {children}
  </li>
)

export const EndedTokens = ({ tokens }: { tokens: readonly ListedToken[] }) =>
  tokens.length === 0 ? null : (
    <details class="ended-tokens">
      <summary>{plural(tokens.length, 'inactive token')}</summary>
      <ul class="plain-list">
        {tokens.map(token => (
          <TokenItem token={token} />
        ))}
      </ul>
    </details>
  )

const TokenExpiry = ({ token }: { token: ListedToken }) =>
  token.revokedAt ? (
    <>
      revoked <RelativeTime iso={token.revokedAt} />
    </>
  ) : token.expiresAt ? (
    <>
      {isActive(token) ? 'expires' : 'expired'} <RelativeTime iso={token.expiresAt} />
    </>
  ) : (
    <>never expires</>
  )
