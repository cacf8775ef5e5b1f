import { localTime, printNote, printResult, table } from '../output.ts'
import { readText } from '../read-text.ts'
import { command, gate, group } from './context.ts'

const create = command('new <name>', 'create an SSH key, or import a private key; prints the public key')
  .option('--from <file>', 'import this private key, which has no passphrase; - is stdin')
  .option(
    '--public <file>',
    "at Cloudflare's edge: the public key of the private key that was set as a secret",
  )
  .action(async (name: string, options) => {
    const identity = await gate().identities.add({
      name,
      ...(options.from ? { privateKey: readText(options.from) } : {}),
      ...(options.public ? { publicKey: readText(options.public).trim() } : {}),
    })
    printResult(options, identity, () => identity.publicKey)
    if (!options.json)
      printNote('Register this public key at the upstream as a deploy key with write access.')
  })

const list = command('list', 'list identities with their public keys').action(async options => {
  const identities = await gate().identities.list()
  printResult(options, identities, () =>
    table(
      ['NAME', 'SINCE', 'PUBLIC KEY'],
      identities.map(({ name, createdAt, publicKey }) => [name, localTime(createdAt), publicKey]),
    ),
  )
})

const remove = command(
  'remove <name>',
  'remove an identity that no repository uses, and delete its key from the gate',
).action(async (name: string, options) => {
  const removed = await gate().identities.remove(name)
  printResult(options, removed, () => `removed ${removed.name}; remove its deploy key from the upstream too`)
})

export const identity = group('identity', 'manage the SSH keys for upstreams', create, list, remove)
