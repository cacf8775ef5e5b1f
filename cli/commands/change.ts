import { localTime, printResult, table } from '../output.ts'
import { command, gate, group } from './context.ts'

const list = command('list', 'list changes made by operators, newest first')
  .option('--limit <n>', 'maximum number of changes', '100')
  .action(async options => {
    const { changes } = await gate().changes({ limit: options.limit })
    printResult(options, changes, () =>
      table(
        ['AT', 'BY', 'CHANGE', 'SUBJECT'],
        changes.map(({ at, by, action, subject }) => [localTime(at), by, action, subject]),
      ),
    )
  })

export const change = group('change', 'the change log of operators', list)
