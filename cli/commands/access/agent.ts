import type { AgentGrant } from '../../../src/contract/admin-api/agents.ts'
import { formatTerms, ownBranches, toTerms } from '../../options/grant-options.ts'
import { localTime, printNote, printResult, table } from '../../output.ts'
import { command, gate, group, removal } from '../context.ts'

const add = command('add <agent>', 'add an agent')
  .option(
    '--grant <repository...>',
    'let the agent read these repositories, and push to its own branches, refs/heads/<agent>/**',
  )
  .action(async (name: string, options: { grant?: string[]; json?: boolean }) => {
    const client = gate()
    for (const repository of options.grant ?? []) await client.repositories.show(repository)
    const agent = await client.agents.add(name)
    const grants: AgentGrant[] = []
    for (const repository of options.grant ?? [])
      grants.push(await client.grants.set(agent.name, repository, toTerms(ownBranches)))
    printResult(options, { ...agent, grants }, () =>
      [
        `added ${agent.name}`,
        ...grants.map(({ repository, terms }) => `  ${repository}: ${formatTerms(terms)}`),
      ].join('\n'),
    )
    if (!options.json)
      printNote(
        grants.length
          ? `Next: git gate token mint ${agent.name}`
          : `Next: git gate grant set ${agent.name} REPOSITORY --push '{agent}/**'`,
      )
  })

const list = command('list', 'list agents').action(async options => {
  const client = gate()
  const [agents, grants] = await Promise.all([client.agents.list(), client.grants.list()])
  printResult(options, agents, () =>
    table(
      'no agents',
      ['AGENT', 'SINCE', 'REPOSITORIES'],
      agents.map(({ name, createdAt }) => [
        name,
        localTime(createdAt),
        grants
          .filter(grant => grant.agent === name)
          .map(grant => grant.repository)
          .join(', '),
      ]),
    ),
  )
})

const remove = removal('remove <agent>', 'remove an agent with its tokens and grants').action(
  async (name: string, options) => {
    const removed = await gate().agents.remove(name)
    printResult(
      options,
      removed,
      () => `removed ${removed.name}; its tokens are revoked, and its pushes stay on record`,
    )
  },
)

export const agent = group('agent', 'manage agents', add, list, remove)
