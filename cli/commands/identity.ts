import { answer, localTime, note, table } from '../output.ts'
import { readText } from '../read-text.ts'
import { command, gate, group } from './context.ts'

const add = command('new <name>', 'make an SSH key at the gate, or hand it one; prints the public half')
  .option('--from <file>', 'take this private key (without a passphrase) instead of making one; - is stdin')
  .option('--public <file>', "at Cloudflare's edge: the public half of the secret that was set")
  .action(async (name: string, options) => {
    const identity = await gate().identities.add({
      name,
      ...(options.from ? { privateKey: readText(options.from) } : {}),
      ...(options.public ? { publicKey: readText(options.public).trim() } : {}),
    })
    answer(options, identity, () => identity.publicKey)
    if (!options.json) note('Register this line with the upstream as a deploy key with write access.')
  })

const list = command('list', 'every identity, by its public half').action(async options => {
  const identities = await gate().identities.list()
  answer(options, identities, () =>
    table(
      ['NAME', 'SINCE', 'PUBLIC KEY'],
      identities.map(each => [each.name, localTime(each.createdAt), each.publicKey]),
    ),
  )
})

const remove = command(
  'remove <name>',
  'forget an identity that no repository uses, and delete its key where the gate keeps it',
).action(async (name: string, options) => {
  const removed = await gate().identities.remove(name)
  answer(options, removed, () => `removed ${removed.name}; take its public half off the upstream too`)
})

export const identity = group('identity', 'the SSH keys the gate shows upstreams', add, list, remove)
