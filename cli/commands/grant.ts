import { InvalidArgumentError } from 'commander'
import { formatTerms, toTerms } from '../grant-options.ts'
import { printNote, printResult, table } from '../output.ts'
import { readText } from '../read-text.ts'
import { command, gate, group } from './context.ts'

const set = command('set <agent> <repository>', 'set the grant of an agent in a repository')
  .option(
    '--push <pattern...>',
    'branches the agent may create and update; {agent} is its name, ** matches slashes too',
  )
  .option('--force <pattern...>', 'branches the agent may force-push')
  .option('--delete <pattern...>', 'branches the agent may delete')
  .option('--deny <pattern...>', 'branches the agent may not change; overrides the other options')
  .option('--tags <pattern...>', 'tags the agent may create')
  .option('--read', 'allow reading only')
  .option('--push-options', 'forward push options (git push -o) to the upstream')
  .option('--deny-path <glob...>', 'paths that commits must not change, such as .github/workflows/**')
  .option('--email <glob...>', 'allowed e-mail addresses of authors and committers')
  .option(
    '--allowed-signers <file>',
    'require a signature of each commit by a key in this file (allowed signers, OpenPGP)',
  )
  .option('--no-symlinks', 'refuse symbolic links')
  .option('--no-submodules', 'refuse submodules')
  .option('--max-blob-bytes <n>', 'maximum size of a file', parseBytes)
  .addHelpText(
    'after',
    `
A pattern without refs/ matches branches (main is refs/heads/main), and with --tags it matches tags.
Globs match the whole path: **/*.env matches in every folder, docs/** matches everything in docs.`,
  )
  .action(async (agent: string, repository: string, options) => {
    const terms = toTerms({
      read: options.read,
      push: options.push,
      force: options.force,
      delete: options.delete,
      deny: options.deny,
      tags: options.tags,
      pushOptions: options.pushOptions,
      denyPaths: options.denyPath,
      emails: options.email,
      allowedSigners: options.allowedSigners ? readText(options.allowedSigners) : undefined,
      symlinks: options.symlinks,
      submodules: options.submodules,
      maxBlobBytes: options.maxBlobBytes,
    })
    const grant = await gate().grants.set(agent, repository, terms)
    printResult(options, grant, () => `${grant.agent} in ${grant.repository}: ${formatTerms(grant.terms)}`)
    if (!options.json) printNote(`The agent can read its grant at ${gate().url}/${grant.repository}`)
  })

function parseBytes(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('Give a number of bytes.')
  return Number(text)
}

const list = command('list [agent]', 'list grants')
  .option('--repository <name>', 'only in this repository')
  .action(async (agent: string | undefined, options) => {
    const grants = await gate().grants.list({ ...(agent ? { agent } : {}), repository: options.repository })
    printResult(options, grants, () =>
      table(
        ['AGENT', 'REPOSITORY', 'GRANT'],
        grants.map(({ agent, repository, terms }) => [agent, repository, formatTerms(terms)]),
      ),
    )
  })

const remove = command('remove <agent> <repository>', 'remove the grant of an agent in a repository').action(
  async (agent: string, repository: string, options) => {
    const removed = await gate().grants.remove(agent, repository)
    printResult(options, removed, () => `removed the grant of ${removed.agent} in ${removed.repository}`)
  },
)

export const grant = group('grant', 'manage grants of agents in repositories', set, list, remove)
