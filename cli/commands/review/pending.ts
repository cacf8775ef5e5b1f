import type { Pending } from '../../../src/contract/admin-api/findings.ts'
import { plural } from '../../../src/contract/text/plural.ts'
import type { Client } from '../../client.ts'
import { type Selectors, selectionOf, withSelectors } from '../../options/select-findings.ts'
import { localTime, printResult, table } from '../../output.ts'
import { assertKnown, command, gate, group } from '../context.ts'

const list = command(
  'list',
  'list the findings that wait for a decision: those whose agent asks for an exception first',
)
  .option('--repository <name>', 'only in this repository')
  .action(async options => {
    const client = gate()
    const pending = await listAll(client, options.repository)
    await assertKnown(client, pending, options)
    printResult(options, pending, () =>
      table(
        'no finding waits for a decision',
        ['FINGERPRINT', 'REPOSITORY', 'AGENT', 'RULE', 'PATH', 'EXCEPTION ASKED', 'PUSH', 'LAST'],
        pending.map(({ finding, repository, agent, push, lastAt }) => [
          finding.fingerprint,
          repository,
          agent,
          finding.rule,
          `${finding.path}${finding.line > 0 ? `:${finding.line}` : ''}`,
          finding.asksForException ? 'yes' : '',
          push,
          localTime(lastAt),
        ]),
      ),
    )
  })

async function listAll(client: Client, repository: string | undefined): Promise<Pending[]> {
  const found: Pending[] = []
  let cursor: string | undefined
  do {
    const page = await client.pending.page({ repository, cursor })
    found.push(...page.pending)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return found
}

const decline = withSelectors(
  command('decline <repository> [fingerprint...]', 'decline findings, with a reason for the agent'),
)
  .requiredOption('--reason <text>', 'the reason, which the agent reads at its next push')
  .action(async (repository: string, fingerprints: string[], options: Selectors & { reason: string }) => {
    const decided = await gate().pending.decide({
      repository,
      decision: 'decline',
      reason: options.reason,
      select: selectionOf(fingerprints, options),
    })
    printResult(
      options,
      decided,
      () => `declined ${plural(decided.fingerprints.length, 'finding')} in ${repository}`,
    )
  })

export const pending = group('pending', 'list and decline findings that wait for a decision', list, decline)
