import type { Token } from '../../src/contract/admin-api/tokens.ts'
import { agentConfig } from '../agent-config.ts'
import type { Client } from '../client.ts'
import { CliError, UsageError } from '../errors.ts'
import { hostEnvironment } from '../host-environment.ts'
import { localTime, printNote, printResult } from '../output.ts'
import { command, gate } from './context.ts'

const PLACEHOLDER = { agent: 'AGENT', token: 'TOKEN' }

export const agentConfigCommand = command(
  'agent-config [agent]',
  "print git configuration that rewrites an agent's remote URLs to the gate",
)
  .option('--token <token>', "the agent's token; without it the output has the placeholder TOKEN")
  .option(
    '--env <repository>',
    "print the environment of gh, glab or the host's API for this repository, for a shell",
  )
  .addHelpText(
    'after',
    '\nExample: git gate agent-config ada --token "$TOKEN" > gate.gitconfig\n             git config --global include.path "$PWD/gate.gitconfig"',
  )
  .action(async (name: string | undefined, options: { token?: string; env?: string; json?: boolean }) => {
    const client = gate()
    const owner =
      options.token === undefined ? undefined : (await findActiveToken(client, options.token, name)).agent
    if (name !== undefined && owner !== undefined && owner !== name)
      throw new CliError(`the token belongs to ${owner}, not to ${name}`)
    const agent = name ?? owner
    if (agent !== undefined) await client.agents.show(agent)
    const all = await client.repositories.list()
    const granted = agent === undefined ? undefined : await client.grants.list({ agent })
    const repositories = granted
      ? all.filter(repository => granted.some(grant => grant.repository === repository.name))
      : all
    const token = options.token ?? PLACEHOLDER.token
    if (options.env !== undefined) {
      const repository = repositories.find(each => each.name === options.env)
      if (!repository)
        throw new CliError(
          `${agent ?? 'the gate'} has no repository ${options.env}`,
          `It has: ${repositories.map(({ name }) => name).join(', ') || 'none'}`,
        )
      const env = hostEnvironment(client.url, repository, token)
      printResult(options, { agent: agent ?? null, repository: repository.name, env }, () => env)
      if (!options.json && granted?.find(each => each.repository === options.env)?.terms.hostApi === 'none')
        printNote(
          `${agent} may make no calls yet: git gate grant set ${agent} ${options.env} --host-api read`,
        )
      return
    }
    const config = agentConfig(client.url, repositories, {
      agent: agent ?? PLACEHOLDER.agent,
      token,
    })
    printResult(
      options,
      { agent: agent ?? null, repositories: repositories.map(({ name }) => name), config },
      () => config,
    )
    if (options.json) return
    if (repositories.length === 0)
      printNote(
        agent
          ? `${agent} has no grant yet: git gate grant set ${agent} REPOSITORY …`
          : 'There is no repository yet: git gate repo add NAME …',
      )
    if (options.token === undefined)
      printNote(`Replace TOKEN with a token: git gate token mint ${agent ?? 'AGENT'}`)
  })

/** Returns the record of a token. Throws a CliError when the token is unknown, revoked or expired. */
async function findActiveToken(client: Client, text: string, agent = PLACEHOLDER.agent): Promise<Token> {
  const fix = (name: string) => `Mint a token: git gate token mint ${name}`
  const id = /^gate_([a-z2-7]+)_[A-Za-z0-9]+$/.exec(text)?.[1]
  if (id === undefined) throw new UsageError('the value of --token is not an agent token', fix(agent))
  const token = (await client.tokens.list()).find(record => record.id === id)
  if (token === undefined) throw new CliError(`there is no token ${id} at ${client.url}`, fix(agent))
  const { agent: owner, revokedAt, expiresAt } = token
  if (revokedAt !== null)
    throw new CliError(`token ${id} of ${owner} was revoked ${localTime(revokedAt)}`, fix(owner))
  if (expiresAt !== null && Date.parse(expiresAt) <= Date.now())
    throw new CliError(`token ${id} of ${owner} expired ${localTime(expiresAt)}`, fix(owner))
  return token
}
