import { InvalidArgumentError } from 'commander'
import { summary, termsOf } from '../grant-options.ts'
import { answer, note, table } from '../output.ts'
import { readText } from '../read-text.ts'
import { command, gate, group } from './context.ts'

const set = command('set <agent> <repository>', 'set what an agent may do in a repository')
  .option('--push <pattern...>', 'branches it may create and update; {agent} is its name, ** crosses slashes')
  .option('--force <pattern...>', 'branches it may rewrite')
  .option('--delete <pattern...>', 'branches it may delete')
  .option('--deny <pattern...>', 'branches it may not touch, whatever else is said')
  .option('--tags <pattern...>', 'tags it may create')
  .option('--read', 'reading alone')
  .option('--push-options', 'let it pass "git push -o …" on to the upstream')
  .option('--deny-path <glob...>', 'paths its commits must not touch, such as .github/workflows/**')
  .option('--email <glob...>', 'e-mail addresses its commits may carry')
  .option(
    '--allowed-signers <file>',
    'keys of which one must have signed each commit (allowed signers, OpenPGP)',
  )
  .option('--no-symlinks', 'refuse symbolic links')
  .option('--no-submodules', 'refuse submodules')
  .option('--max-blob-bytes <n>', 'the largest file it may push', positive)
  .addHelpText(
    'after',
    `
A pattern without refs/ is a branch's (main is refs/heads/main), and under --tags a tag's.
Globs are of the whole path: **/*.env is a kind of file wherever it lies, docs/** a folder.`,
  )
  .action(async (agent: string, repository: string, options) => {
    const terms = termsOf({
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
    answer(options, grant, () => `${grant.agent} in ${grant.repository}: ${summary(grant.terms)}`)
    if (!options.json) note(`It reads its rules at ${gate().url}/${grant.repository}`)
  })

function positive(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It is a number of bytes.')
  return Number(text)
}

const list = command('list [agent]', 'who may do what where')
  .option('--repository <name>', 'in this repository only')
  .action(async (agent: string | undefined, options) => {
    const grants = await gate().grants.list({ ...(agent ? { agent } : {}), repository: options.repository })
    answer(options, grants, () =>
      table(
        ['AGENT', 'REPOSITORY', 'MAY'],
        grants.map(each => [each.agent, each.repository, summary(each.terms)]),
      ),
    )
  })

const remove = command('remove <agent> <repository>', 'take an agent off a repository').action(
  async (agent: string, repository: string, options) => {
    const removed = await gate().grants.remove(agent, repository)
    answer(options, removed, () => `${removed.agent} may do nothing in ${removed.repository} now`)
  },
)

export const grant = group('grant', 'what an agent may do in a repository', set, list, remove)
