import { InvalidArgumentError } from 'commander'
import { ASK_SYNTAX, parseAsk } from '../../../src/contract/ask-text.ts'
import type { AskRule } from '../../../src/contract/grant.ts'
import type { HostApiAccess } from '../../../src/contract/hosts/host-call.ts'
import { confirm } from '../../confirm.ts'
import { CliError, UsageError } from '../../errors.ts'
import { changeTerms, droppedRestrictions, type GrantChanges } from '../../grant-changes.ts'
import { formatTerms, GrantOptions, toTerms } from '../../options/grant-options.ts'
import { readText } from '../../options/read-text.ts'
import { printNote, printResult, table } from '../../output.ts'
import { assertKnown, command, gate, group, removal } from '../context.ts'

const set = command(
  'set <agent> <repository>',
  'add the grant of an agent in a repository, or change the given parts of it',
)
  .option(
    '--push <pattern...>',
    'branches the agent may create and update; {agent} is its name, ** matches slashes too',
  )
  .option('--no-push', 'clear --push')
  .option('--force <pattern...>', 'branches the agent may force-push')
  .option('--no-force', 'clear --force')
  .option('--delete <pattern...>', 'branches the agent may delete')
  .option('--no-delete', 'clear --delete')
  .option('--deny <pattern...>', 'branches the agent may not change; overrides the other options')
  .option('--no-deny', 'clear --deny')
  .option('--tags <pattern...>', 'tags the agent may create')
  .option('--no-tags', 'clear --tags')
  .option('--read', 'allow reading only: clear all push rights')
  .option(
    '--push-options <pattern...>',
    'push options (git push -o) that are forwarded to the upstream, such as merge_request.*',
  )
  .option('--no-push-options', 'forward no push options')
  .option(
    '--pull-requests [base...]',
    'let the agent open pull requests (git push -o pr), into these branches only if any are given',
  )
  .option('--no-pull-requests', 'let the agent open no pull requests')
  .option(
    '--host-api <access>',
    "let the agent use the host's API through the gate (gh, glab): read, or write for pull requests and comments on them",
    parseAccess,
  )
  .option('--no-host-api', "let the agent make no calls to the host's API")
  .option('--deny-path <glob...>', 'paths that commits must not change, such as .github/workflows/**')
  .option('--no-deny-path', 'clear --deny-path')
  .option('--ask <rule...>', `pushes that wait for an approval: ${ASK_SYNTAX}`)
  .option('--no-ask', 'clear --ask')
  .option('--email <glob...>', 'allowed e-mail addresses of authors and committers')
  .option('--no-email', 'allow any address')
  .option(
    '--allowed-signers <file>',
    'require a signature of each commit by a key in this file (allowed signers, OpenPGP)',
  )
  .option('--no-allowed-signers', 'require no signature')
  .option('--symlinks', 'allow symbolic links')
  .option('--no-symlinks', 'refuse symbolic links')
  .option('--submodules', 'allow submodules')
  .option('--no-submodules', 'refuse submodules')
  .option('--max-blob-bytes <n>', 'maximum size of a file', parseBytes)
  .option('--no-max-blob-bytes', "only the gate's own limit")
  .option('--replace', 'replace the whole grant, including the parts that no option gives')
  .option('--yes', 'drop restrictions without confirmation')
  .addHelpText(
    'after',
    `
A pattern without refs/ matches branches (main is refs/heads/main), and with --tags it matches tags.
Globs match the whole path: **/*.env matches in every folder, docs/** matches everything in docs.
The command prints the grant before and after. Dropping a restriction needs confirmation, or --yes.`,
  )
  .action(async (agent: string, repository: string, options) => {
    const client = gate()
    const changes = {
      ...options,
      denyPaths: options.denyPath,
      ask: options.ask === false ? false : options.ask?.map(askRule),
      emails: options.email,
      pullRequests: options.pullRequests === true ? ['**'] : options.pullRequests,
      allowedSigners: signers(options),
    }
    const [before] = await client.grants.list({ agent, repository })
    const terms =
      before && !options.replace
        ? changeTerms(before.terms, partsOf(changes))
        : toTerms(wholeGrantOf(changes))
    const dropped = before ? droppedRestrictions(before.terms, terms) : []
    if (dropped.length && !options.yes) await confirmDrop(`${agent} in ${repository}`, dropped)
    const grant = await client.grants.set(agent, repository, terms)
    printResult(options, grant, () =>
      [
        ...(before ? [`before: ${formatTerms(before.terms)}`] : []),
        `${before ? 'after:  ' : ''}${grant.agent} in ${grant.repository}: ${formatTerms(grant.terms)}`,
      ].join('\n'),
    )
    if (!options.json) printNote(`The agent can read its grant at ${gate().url}/${grant.repository}`)
  })

/** The parts of a grant that options set. */
const PARTS = Object.keys(GrantOptions.shape)

const partsOf = (options: Readonly<Record<string, unknown>>): GrantChanges =>
  Object.fromEntries(PARTS.flatMap(part => (options[part] === undefined ? [] : [[part, options[part]]])))

/** The options of a whole grant, where a cleared part equals an omitted part. */
const wholeGrantOf = (options: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(partsOf(options)).filter(
      ([part, value]) => value !== false || part === 'symlinks' || part === 'submodules',
    ),
  )

function askRule(text: string): AskRule {
  const read = parseAsk(text)
  if (!read.ok) throw new UsageError(`--ask: ${read.problem}`, `A rule is ${ASK_SYNTAX}`)
  return read.rule
}

const signers = ({ allowedSigners }: { allowedSigners?: string | false }) =>
  typeof allowedSigners === 'string' ? readText(allowedSigners) : allowedSigners

/** Asks for confirmation. Throws a CliError without a terminal, or when the operator declines. */
async function confirmDrop(grant: string, dropped: readonly string[]): Promise<void> {
  const change = `this drops from the grant of ${grant}: ${dropped.join('; ')}`
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new CliError(change, 'Add --yes to drop it, or omit the options that drop it', 'needs-yes')
  printNote(change)
  if (!(await confirm('Drop it?'))) throw new CliError('nothing was changed', '', 'declined')
}

function parseAccess(text: string): HostApiAccess {
  if (text !== 'read' && text !== 'write') throw new InvalidArgumentError('Give read or write.')
  return text
}

function parseBytes(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('Give a number of bytes.')
  return Number(text)
}

const list = command('list [agent]', 'list grants')
  .option('--repository <name>', 'only in this repository')
  .action(async (agent: string | undefined, options) => {
    const client = gate()
    const filter = { ...(agent ? { agent } : {}), repository: options.repository }
    const grants = await client.grants.list(filter)
    await assertKnown(client, grants, filter)
    printResult(options, grants, () =>
      table(
        'no grants',
        ['AGENT', 'REPOSITORY', 'GRANT'],
        grants.map(({ agent, repository, terms }) => [agent, repository, formatTerms(terms)]),
      ),
    )
  })

const remove = removal('remove <agent> <repository>', 'remove the grant of an agent in a repository').action(
  async (agent: string, repository: string, options) => {
    const removed = await gate().grants.remove(agent, repository)
    printResult(options, removed, () => `removed the grant of ${removed.agent} in ${removed.repository}`)
  },
)

export const grant = group('grant', 'manage grants of agents in repositories', set, list, remove)
