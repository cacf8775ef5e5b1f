import type { Approval } from '../../../src/contract/admin-api/approvals.ts'
import { CliError } from '../../errors.ts'
import { localTime, printResult, stripControl, table } from '../../output.ts'
import { assertKnown, command, gate, group } from '../context.ts'

const list = command('list', 'list the pushes that wait for an approval')
  .option('--all', 'list the decided pushes, too')
  .option('--repository <name>', 'only of this repository')
  .action(async options => {
    const client = gate()
    const found: Approval[] = []
    let cursor: string | undefined
    do {
      const page = await client.approvals.page({
        state: options.all ? undefined : 'waiting',
        repository: options.repository,
        cursor,
      })
      found.push(...page.approvals)
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    await assertKnown(client, found, options)
    printResult(options, found, () =>
      table(
        options.all ? 'no push has waited for an approval' : 'no push waits for an approval',
        ['ID', 'STATE', 'AGENT', 'REPOSITORY', 'REFS', 'APPROVALS', 'EXPIRES', 'ASKS'],
        found.map(each => [
          each.id,
          each.state,
          each.agent,
          each.repository,
          each.refs.map(({ ref }) => ref).join(', '),
          `${each.approvedBy.length} of ${each.needed}`,
          localTime(each.expiresAt),
          each.asks.join('; '),
        ]),
      ),
    )
  })

const show = command('show <id>', 'show a push that waits for an approval, or has waited').action(
  async (id: string, options) => {
    const approval = await gate().approvals.show(id)
    printResult(options, approval, () => describe(approval))
  },
)

const approve = command('approve <id>', 'approve a push, which the gate then forwards').action(
  async (id: string, options) => {
    const approval = await gate().approvals.approve(id)
    printResult(options, approval, () => describe(approval))
    if (approval.state === 'failed')
      throw new CliError(`push ${id} could not be forwarded: ${approval.answer}`)
  },
)

const reject = command('reject <id>', 'reject a push')
  .requiredOption('--reason <text>', 'the reason, which the agent reads')
  .action(async (id: string, options) => {
    const approval = await gate().approvals.reject(id, options.reason)
    printResult(options, approval, () => describe(approval))
  })

function describe(approval: Approval): string {
  const { id, state, agent, repository, refs, asks, approvedBy, needed, note, answer, forward } = approval
  return stripControl(
    [
      `push ${id}: ${state}`,
      `${agent} to ${repository}`,
      ...refs.map(({ ref, old, new: to }) => `  ${ref} ${old.slice(0, 12)}..${to.slice(0, 12)}`),
      ...asks.map(ask => `asks:        ${ask}`),
      ...(note ? [`reason:      ${note}`] : []),
      `approvals:   ${approvedBy.length} of ${needed}${approvedBy.map(({ operator }) => `, ${operator}`).join('')}`,
      ...(state === 'waiting' ? [`expires:     ${localTime(approval.expiresAt)}`] : []),
      ...(answer ? [`answer:      ${answer}`] : []),
      ...(forward ? [`forwarded as push ${forward}`] : []),
    ].join('\n'),
  )
}

export const approval = group(
  'approval',
  'show, approve and reject pushes that wait for an approval',
  list,
  show,
  approve,
  reject,
)
