import { answer, localTime, table } from '../output.ts'
import { command, gate, group } from './context.ts'

const list = command('list', 'what operators changed, newest first')
  .option('--limit <n>', 'at most so many', '100')
  .action(async options => {
    const { changes } = await gate().changes({ limit: options.limit })
    answer(options, changes, () =>
      table(
        ['AT', 'BY', 'CHANGE', 'OF'],
        changes.map(each => [localTime(each.at), each.by, each.action, each.subject]),
      ),
    )
  })

export const change = group('change', 'the record of what operators changed', list)
