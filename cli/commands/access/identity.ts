import { parseUpstream } from '../../../src/contract/upstream.ts'
import { CliError, UsageError } from '../../errors.ts'
import { readText } from '../../options/read-text.ts'
import { localTime, printNote, printResult, stripControl, table } from '../../output.ts'
import { command, gate, group, removal } from '../context.ts'

const create = command('new <name>', 'create an SSH key, or import a private key; prints the public key')
  .option('--from <file>', 'import this private key, which has no passphrase; - is stdin')
  .option(
    '--public <file>',
    "at Cloudflare's edge: the public key of the private key that was set as a secret",
  )
  .option(
    '--register <repository>',
    'register it at the host as a deploy key with write access: of a repository of the gate, or of an upstream URL',
  )
  .option('--credential <name>', "with an upstream URL: the credential for the host's API")
  .option(
    '--forge <kind>',
    'with an upstream URL: github, gitlab or gitea; not needed for github.com, gitlab.com, gitea.com and codeberg.org',
  )
  .option('--api-url <url>', "with an upstream URL: base URL of the host's API")
  .action(async (name: string, options) => {
    const register = options.register && registration(options)
    const identity = await gate().identities.add({
      name,
      ...(options.from ? { privateKey: readText(options.from) } : {}),
      ...(options.public ? { publicKey: readText(options.public).trim() } : {}),
      ...(register ? { register } : {}),
    })
    printResult(options, identity, () => identity.publicKey)
    if (register) printNote('The host has this public key as a deploy key with write access.')
    else if (!options.json)
      printNote('Register this public key at the upstream as a deploy key with write access.')
  })

/** The project at which the identity is registered, for the API. */
function registration({ register, credential, forge, apiUrl }: Record<string, string>): object {
  if (!parseUpstream(register ?? '').ok) return { repository: register }
  if (!credential)
    throw new UsageError(
      'an upstream URL needs a credential for the API of its host',
      'Add --credential NAME (git gate credential list)',
    )
  return { upstream: register, credential, ...(forge ? { forge } : {}), ...(apiUrl ? { apiUrl } : {}) }
}

const list = command('list', 'list identities with their public keys').action(async options => {
  const identities = await gate().identities.list()
  printResult(options, identities, () =>
    table(
      'no identities',
      ['NAME', 'SINCE', 'PUBLIC KEY'],
      identities.map(({ name, createdAt, publicKey }) => [name, localTime(createdAt), publicKey]),
    ),
  )
})

const show = command('show <name>', "print an identity's public key").action(
  async (name: string, options) => {
    const identities = await gate().identities.list()
    const identity = identities.find(each => each.name.toLowerCase() === name.toLowerCase())
    if (!identity)
      throw new CliError(
        `there is no identity ${stripControl(name)}`,
        'List them: git gate identity list',
        'not-found',
      )
    printResult(options, identity, () => identity.publicKey.trim())
  },
)

const remove = removal(
  'remove <name>',
  'remove an identity that no repository uses, and delete its key from the gate',
).action(async (name: string, options) => {
  const removed = await gate().identities.remove(name)
  printResult(options, removed, () =>
    [
      `removed ${removed.name}`,
      ...removed.remainingDeployKeys.map(
        ({ upstream, reason }) => `its deploy key stays at ${upstream}: ${reason}`,
      ),
    ].join('\n'),
  )
  if (!options.json) printNote('Remove a deploy key that you registered yourself from its host.')
})

export const identity = group('identity', 'manage the SSH keys for upstreams', create, list, show, remove)
