import { visibleJson } from '../../../src/contract/text/invisible-characters.ts'
import { parseCount } from '../../options/count.ts'
import { localTime, printResult, table } from '../../output.ts'
import { command, gate, group } from '../context.ts'

const list = command('list', 'list changes made by operators, newest first')
  .option('--limit <n>', 'maximum number of changes', parseCount, 100)
  .action(async options => {
    const { changes } = await gate().changes({ limit: options.limit })
    printResult(options, changes, () =>
      table(
        ['AT', 'BY', 'CHANGE', 'SUBJECT'],
        changes.map(({ at, by, action, subject }) => [localTime(at), by, action, subject]),
      ),
    )
  })

/** The changes that one request returns. */
const PAGE = 2000

const exportAll = command('export', 'print all changes as JSON lines, newest first').action(async () => {
  const client = gate()
  let cursor: string | undefined
  do {
    const page = await client.changes({ limit: PAGE, cursor })
    for (const each of page.changes) process.stdout.write(`${visibleJson(each)}\n`)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
})

export const change = group('change', 'list and export the audit log', list, exportAll)
