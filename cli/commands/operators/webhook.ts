import { Option } from 'commander'
import { localTime, printNote, printResult, table } from '../../output.ts'
import { command, gate, group, removal } from '../context.ts'

const add = command(
  'add <url>',
  'add a webhook for the outcomes of pushes; prints its signing secret only once',
)
  .addOption(
    new Option(
      '--events <events>',
      'every push, only pushes that request an exception, or only pushes that wait for an approval',
    )
      .choices(['pushes', 'exceptions', 'approvals'])
      .default('pushes'),
  )
  .addOption(
    new Option(
      '--format <format>',
      "each push's record as JSON, or a message for a chat service about each push that needs attention",
    )
      .choices(['json', 'slack', 'discord', 'teams'])
      .default('json'),
  )
  .action(async (url: string, options) => {
    const added = await gate().webhooks.add({ url, events: options.events, format: options.format })
    printResult(options, added, () => added.secret)
    if (!options.json)
      printNote(`Added webhook ${added.id}. Its deliveries are signed as standardwebhooks.com specifies.`)
  })

const list = command('list', 'list webhooks').action(async options => {
  const webhooks = await gate().webhooks.list()
  printResult(options, webhooks, () =>
    table(
      ['ID', 'URL', 'EVENTS', 'FORMAT', 'SINCE'],
      webhooks.map(({ id, url, events, format, createdAt }) => [
        id,
        url,
        events,
        format,
        localTime(createdAt),
      ]),
    ),
  )
})

const remove = removal('remove <id>', 'remove a webhook').action(async (id: string, options) => {
  const removed = await gate().webhooks.remove(id)
  printResult(options, removed, () => `removed ${removed.id}: ${removed.url}`)
})

export const webhook = group('webhook', 'manage webhooks', add, list, remove)
