import type { AgentGrant } from '../../src/contract/api.ts'
import { ownBranches, summary, termsOf } from '../grant-options.ts'
import { answer, localTime, note, table } from '../output.ts'
import { command, gate, group } from './context.ts'

const add = command('add <agent>', 'make an agent known')
  .option('--grant <repository...>', 'let it read there, and push to its own branches, refs/heads/<agent>/**')
  .action(async (name: string, options: { grant?: string[]; json?: boolean }) => {
    const client = gate()
    for (const repository of options.grant ?? []) await client.repositories.show(repository)
    const agent = await client.agents.add(name)
    const grants: AgentGrant[] = []
    for (const repository of options.grant ?? [])
      grants.push(await client.grants.set(agent.name, repository, termsOf(ownBranches)))
    answer(options, { ...agent, grants }, () =>
      [`added ${agent.name}`, ...grants.map(each => `  ${each.repository}: ${summary(each.terms)}`)].join(
        '\n',
      ),
    )
    if (!options.json)
      note(
        grants.length
          ? `Next: git gate token mint ${agent.name}`
          : `It may do nothing yet: git gate grant set ${agent.name} REPOSITORY --push '{agent}/**'`,
      )
  })

const list = command('list', 'every agent').action(async options => {
  const client = gate()
  const [agents, grants] = await Promise.all([client.agents.list(), client.grants.list()])
  answer(options, agents, () =>
    table(
      ['AGENT', 'SINCE', 'REPOSITORIES'],
      agents.map(each => [
        each.name,
        localTime(each.createdAt),
        grants
          .filter(grant => grant.agent === each.name)
          .map(grant => grant.repository)
          .join(', '),
      ]),
    ),
  )
})

const remove = command('remove <agent>', 'remove an agent with its tokens and grants').action(
  async (name: string, options) => {
    const removed = await gate().agents.remove(name)
    answer(options, removed, () => `removed ${removed.name}; its tokens end now, its pushes stay on record`)
  },
)

export const agent = group('agent', 'who may come through the gate', add, list, remove)
