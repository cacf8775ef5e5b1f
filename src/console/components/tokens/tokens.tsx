import type { Context } from 'hono'
import type { AgentGrant } from '../../../contract/admin-api/agents.ts'
import type { MintedToken, Token } from '../../../contract/admin-api/tokens.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import type { ApiProblem } from '../../forms/call-api.ts'
import { ConfirmForm } from '../../forms/confirm-form.tsx'
import { ErrorMessage, Form } from '../../pages/frame/layout.tsx'
import { pathOf } from '../../paths.ts'
import { CopyBox } from '../copy-box.tsx'
import { isActive } from '../is-active.ts'
import { LifetimeField } from './token-lifetimes.tsx'
import { EndedTokens, TokenItem } from './token-list.tsx'

interface Props {
  readonly c: Context<ConsoleEnv>
  readonly agent: string
  readonly tokens: readonly Token[]
  readonly grants: readonly AgentGrant[]
  readonly minted: MintedToken | undefined
  readonly problem: ApiProblem | undefined
}

/** An agent's tokens, a new token that is shown only once, and the form to mint a token. */
export const Tokens = ({ c, agent, tokens, grants, minted, problem }: Props) => (
  <section aria-labelledby="tokens">
    <h2 id="tokens">Tokens</h2>
    <ErrorMessage problem={problem} />
    {minted && <MintedTokenBox c={c} minted={minted} grants={grants} />}
    {tokens.length === 0 && <p class="muted">No tokens yet. The agent needs a token to fetch and push.</p>}
    <ul class="plain-list">
      {tokens.filter(isActive).map(token => (
        <TokenItem token={token}>
          <ConfirmForm
            c={c}
            action={`${pathOf.agent(agent)}/revoke`}
            verb="Revoke"
            object={`the token ${token.id}`}
            effect="The agent can no longer fetch and push with it."
            values={{ id: token.id }}
          />
        </TokenItem>
      ))}
    </ul>
    <EndedTokens tokens={tokens.filter(token => !isActive(token))} />
    <Form c={c} action={`${pathOf.agent(agent)}/tokens`} class="inline">
      <label>
        Label
        <input name="label" maxlength={200} placeholder="laptop" autocomplete="off" />
      </label>
      <LifetimeField />
      <span class="actions">
        <button type="submit" class="primary">
          Mint a token
        </button>
      </span>
    </Form>
  </section>
)

/** The new token, and the commands that make git use it. */
const MintedTokenBox = ({
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
    <div class="new-token" role="status" tabindex={-1} autofocus>
      <p>
        <strong>Token {minted.id} was minted. Copy it now: it is not shown again.</strong>
      </p>
      <CopyBox id="minted-token" text={minted.token} label="the token" />
      <p>Run this on the agent’s machine. Git sends the token to this gate only, and no URL contains it:</p>
      <CopyBox
        id="minted-lines"
        text={[
          `git config --global http.${origin}/.extraHeader 'Authorization: Bearer ${minted.token}'`,
          `git clone ${origin}/${repository}.git`,
        ].join('\n')}
        label="the commands for the agent"
      />
    </div>
  )
}
