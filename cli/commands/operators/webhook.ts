import { Option } from 'commander'
import { localTime, printNote, printResult, table } from '../../output.ts'
import { command, gate, group, removal } from '../context.ts'

const add = command(
  'add <url>',
  'add a webhook, or mailto:ADDRESS, for the outcomes of pushes; prints its signing secret only once',
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
      "each push's record as JSON (the default), or a message about each push that needs attention: for a chat service, or an e-mail (the default of mailto:ADDRESS)",
    ).choices(['json', 'slack', 'discord', 'teams', 'email']),
  )
  .action(async (url: string, options) => {
    const format = options.format ?? (url.startsWith('mailto:') ? 'email' : 'json')
    const added = await gate().webhooks.add({ url, events: options.events, format })
    printResult(options, added, () => added.secret ?? `added ${added.id}: ${added.url}`)
    if (!options.json && added.secret !== null)
      printNote(`Added webhook ${added.id}. Its deliveries are signed as standardwebhooks.com specifies.`)
  })

const list = command('list', 'list webhooks, with the failure of the last attempt').action(async options => {
  const webhooks = await gate().webhooks.list()
  printResult(options, webhooks, () =>
    table(
      'no webhooks',
      ['ID', 'URL', 'EVENTS', 'FORMAT', 'SINCE', 'LAST FAILURE'],
      webhooks.map(({ id, url, events, format, createdAt, problem }) => [
        id,
        url,
        events,
        format,
        localTime(createdAt),
        problem ? `${localTime(problem.at)}: ${problem.text}` : '-',
      ]),
    ),
  )
})

const remove = removal('remove <id>', 'remove a webhook').action(async (id: string, options) => {
  const removed = await gate().webhooks.remove(id)
  printResult(options, removed, () => `removed ${removed.id}: ${removed.url}`)
})

export const webhook = group('webhook', 'manage webhooks', add, list, remove)
