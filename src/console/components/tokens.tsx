import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import type { AgentGrant, MintedToken, Token } from '../../contract/api.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import type { Refused } from '../forms/call-api.ts'
import { Complaint, Form } from '../pages/layout.tsx'
import { pathOf } from '../paths.ts'
import { Copy } from './copy-box.tsx'
import { holdsNow } from './is-active.ts'
import { counted } from './plural.ts'
import { When } from './relative-time.tsx'
import { Given } from './untrusted-text.tsx'

/** How long a new token may hold, as the form offers it. */
export const EXPIRY = [
  { words: '30 days', days: 30 },
  { words: '90 days', days: 90 },
  { words: 'a year', days: 365 },
  { words: 'no end', days: null },
] as const

interface Props {
  readonly c: Context<ConsoleEnv>
  readonly agent: string
  readonly tokens: readonly Token[]
  readonly grants: readonly AgentGrant[]
  readonly minted: MintedToken | undefined
  readonly refused: Refused | undefined
}

/** An agent's tokens: mint one, shown this once, and revoke. */
export const Tokens = ({ c, agent, tokens, grants, minted, refused }: Props) => (
  <section aria-labelledby="tokens">
    <h2 id="tokens">Tokens</h2>
    <Complaint refused={refused} />
    {minted && <Minted c={c} minted={minted} grants={grants} />}
    {tokens.length === 0 && <p class="quiet">It has none, so it cannot ask the gate for anything.</p>}
    <ul class="plain-list">
      {tokens.filter(holdsNow).map(token => (
        <Line token={token}>
          <Form c={c} action={`${pathOf.agent(agent)}/revoke`}>
            <input type="hidden" name="id" value={token.id} />
            <button type="submit">
              Revoke<span class="unseen"> the token {token.id}</span>
            </button>
          </Form>
        </Line>
      ))}
    </ul>
    <Ended tokens={tokens.filter(token => !holdsNow(token))} />
    <Form c={c} action={`${pathOf.agent(agent)}/tokens`} class="inline">
      <label>
        Label
        <input name="label" maxlength={200} placeholder="what it is for" autocomplete="off" />
      </label>
      <label>
        Holds for
        <select name="expires">
          {EXPIRY.map(({ words, days }) => (
            <option value={String(days)} selected={days === 90}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <span class="actions">
        <button type="submit" class="primary">
          Mint a token
        </button>
      </span>
    </Form>
  </section>
)

const Line = ({ token, children }: { token: Token; children?: Child }) => (
  <li>
    <span>
      <Given text={token.id} mono /> <Given text={token.label} />
    </span>
    <p class="quiet small">
      minted <When iso={token.createdAt} />;{' '}
      {token.lastUsedAt ? (
        <>
          last used <When iso={token.lastUsedAt} />
        </>
      ) : (
        'never used'
      )}
      ; <Ends token={token} />
    </p>
    {children}
  </li>
)

const Ended = ({ tokens }: { tokens: readonly Token[] }) =>
  tokens.length === 0 ? null : (
    <details class="ended">
      <summary>{counted(tokens.length, 'ended token')}</summary>
      <ul class="plain-list">
        {tokens.map(token => (
          <Line token={token} />
        ))}
      </ul>
    </details>
  )

const Ends = ({ token }: { token: Token }) =>
  token.revokedAt ? (
    <>
      revoked <When iso={token.revokedAt} />
    </>
  ) : token.expiresAt ? (
    <>
      {holdsNow(token) ? 'ends' : 'ended'} <When iso={token.expiresAt} />
    </>
  ) : (
    <>holds until it is revoked</>
  )

/** The token itself, and what to paste where the agent runs. */
const Minted = ({
  c,
  minted,
  grants,
}: {
  c: Context<ConsoleEnv>
  minted: MintedToken
  grants: readonly AgentGrant[]
}) => {
  const { origin } = new URL(c.req.url)
  const repository = grants[0]?.repository ?? 'REPOSITORY'
  return (
    <div class="minted" role="status" tabindex={-1} autofocus>
      <p>
        <strong>The token {minted.id} is made. Copy it now: it is not shown again.</strong>
      </p>
      <Copy id="minted-token" text={minted.token} label="the token" />
      <p>Where the agent runs; git then sends it to this gate alone, and no URL holds it:</p>
      <Copy
        id="minted-lines"
        text={[
          `git config --global http.${origin}/.extraHeader 'Authorization: Bearer ${minted.token}'`,
          `git clone ${origin}/${repository}.git`,
        ].join('\n')}
        label="the lines for the agent"
      />
    </div>
  )
}
