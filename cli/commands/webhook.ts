import { Option } from 'commander'
import { answer, localTime, note, table } from '../output.ts'
import { command, gate, group } from './context.ts'

const add = command('add <url>', 'tell a URL what pushes come to; prints the secret that signs, this once')
  .addOption(
    new Option('--tells <what>', 'every push, or only those that ask for an exception')
      .choices(['pushes', 'exceptions'])
      .default('pushes'),
  )
  .action(async (url: string, options) => {
    const added = await gate().webhooks.add({ url, tells: options.tells })
    answer(options, added, () => added.secret)
    if (!options.json) note(`Webhook ${added.id}; what it is sent is signed as standardwebhooks.com has it.`)
  })

const list = command('list', 'who is told').action(async options => {
  const webhooks = await gate().webhooks.list()
  answer(options, webhooks, () =>
    table(
      ['ID', 'URL', 'TELLS', 'SINCE'],
      webhooks.map(each => [each.id, each.url, each.events, localTime(each.createdAt)]),
    ),
  )
})

const remove = command('remove <id>', 'stop telling a URL').action(async (id: string, options) => {
  const removed = await gate().webhooks.remove(id)
  answer(options, removed, () => `removed ${removed.id}: ${removed.url} is told no more`)
})

export const webhook = group('webhook', 'who is told what pushes come to', add, list, remove)
