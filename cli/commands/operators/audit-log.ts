import { visibleJson } from '../../../src/contract/text/invisible-characters.ts'
import { parseCount } from '../../options/count.ts'
import { localTime, printResult, table } from '../../output.ts'
import { command, gate, group } from '../context.ts'

const list = command('list', 'list changes made by operators, newest first')
  .option('--limit <n>', 'maximum number of entries', parseCount, 100)
  .action(async options => {
    const { entries } = await gate().auditLog({ limit: options.limit })
    printResult(options, entries, () =>
      table(
        'no changes in the audit log',
        ['AT', 'OPERATOR', 'CHANGE', 'SUBJECT'],
        entries.map(({ at, operator, action, subject }) => [localTime(at), operator, action, subject]),
      ),
    )
  })

/** The entries that one request returns. */
const PAGE = 2000

const exportAll = command('export', 'print all changes as JSON lines, newest first').action(async () => {
  const client = gate()
  let cursor: string | undefined
  do {
    const page = await client.auditLog({ limit: PAGE, cursor })
    for (const each of page.entries) process.stdout.write(`${visibleJson(each)}\n`)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
})

export const auditLog = group('audit-log', 'list and export the audit log', list, exportAll)
