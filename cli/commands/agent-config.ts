import type { Token } from '../../src/contract/api.ts'
import { agentConfig } from '../agent-config.ts'
import type { Client } from '../client.ts'
import { Complaint, UsageComplaint } from '../errors.ts'
import { answer, localTime, note } from '../output.ts'
import { command, gate } from './context.ts'

const PLACEHOLDER = { agent: 'AGENT', token: 'TOKEN' }

export const agentConfigCommand = command(
  'agent-config [agent]',
  "git configuration that sends an agent's ordinary remote URLs to the gate",
)
  .option('--token <token>', "the agent's token; without it the word TOKEN stands in its place")
  .addHelpText(
    'after',
    '\nFor example: git gate agent-config ada --token "$TOKEN" > gate.gitconfig\n             git config --global include.path "$PWD/gate.gitconfig"',
  )
  .action(async (name: string | undefined, options: { token?: string; json?: boolean }) => {
    const client = gate()
    const owner =
      options.token === undefined ? undefined : (await usableToken(client, options.token, name)).agent
    if (name !== undefined && owner !== undefined && owner !== name)
      throw new Complaint(`the token is ${owner}'s, not ${name}'s`)
    const agent = name ?? owner
    if (agent !== undefined) await client.agents.show(agent)
    const all = await client.repositories.list()
    const granted = agent === undefined ? undefined : await client.grants.list({ agent })
    const repositories = granted
      ? all.filter(repository => granted.some(grant => grant.repository === repository.name))
      : all
    const config = agentConfig(client.url, repositories, {
      agent: agent ?? PLACEHOLDER.agent,
      token: options.token ?? PLACEHOLDER.token,
    })
    answer(
      options,
      { agent: agent ?? null, repositories: repositories.map(each => each.name), config },
      () => config,
    )
    if (options.json) return
    if (repositories.length === 0)
      note(
        agent
          ? `${agent} has no grant yet: git gate grant set ${agent} REPOSITORY …`
          : 'There is no repository yet.',
      )
    if (options.token === undefined) note(`Put a token for TOKEN: git gate token mint ${agent ?? 'AGENT'}`)
  })

/** The token as the ledger has it; one that no agent can use is complained of, with the one who needs another. */
async function usableToken(client: Client, text: string, agent = PLACEHOLDER.agent): Promise<Token> {
  const remedy = (whose: string) => `Mint one: git gate token mint ${whose}`
  const id = /^gate_([a-z2-7]+)_[A-Za-z0-9]+$/.exec(text)?.[1]
  if (id === undefined) throw new UsageComplaint('--token is not a token of an agent', remedy(agent))
  const token = (await client.tokens.list()).find(each => each.id === id)
  if (token === undefined) throw new Complaint(`there is no token ${id} at ${client.url}`, remedy(agent))
  const { agent: owner, revokedAt, expiresAt } = token
  if (revokedAt !== null)
    throw new Complaint(`token ${id} of ${owner} was revoked ${localTime(revokedAt)}`, remedy(owner))
  if (expiresAt !== null && Date.parse(expiresAt) <= Date.now())
    throw new Complaint(`token ${id} of ${owner} ended ${localTime(expiresAt)}`, remedy(owner))
  return token
}
