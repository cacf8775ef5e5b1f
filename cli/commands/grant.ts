import { InvalidArgumentError } from 'commander'
import { confirm } from '../confirm.ts'
import { Complaint } from '../errors.ts'
import { changeTerms, droppedRestrictions, type GrantChanges } from '../grant-changes.ts'
import { summary, termsOf } from '../grant-options.ts'
import { answer, note, table } from '../output.ts'
import { readText } from '../read-text.ts'
import { command, gate, group } from './context.ts'

const set = command(
  'set <agent> <repository>',
  'give or change what an agent may do in a repository; parts that no option names stay as they are',
)
  .option('--push <pattern...>', 'branches it may create and update; {agent} is its name, ** crosses slashes')
  .option('--no-push', 'no branch')
  .option('--force <pattern...>', 'branches it may rewrite')
  .option('--no-force', 'no branch')
  .option('--delete <pattern...>', 'branches it may delete')
  .option('--no-delete', 'no branch')
  .option('--deny <pattern...>', 'branches it may not touch, whatever else is said')
  .option('--no-deny', 'no such branch')
  .option('--tags <pattern...>', 'tags it may create')
  .option('--no-tags', 'no tag')
  .option('--read', 'reading alone: every right to push goes')
  .option('--push-options', 'let it pass "git push -o …" on to the upstream')
  .option('--no-push-options', 'refuse push options')
  .option('--deny-path <glob...>', 'paths its commits must not touch, such as .github/workflows/**')
  .option('--no-deny-path', 'no such path')
  .option('--email <glob...>', 'e-mail addresses its commits may carry')
  .option('--no-email', 'any address')
  .option('--allowed-signers <file>', 'keys that must have signed each commit (allowed signers, OpenPGP)')
  .option('--no-allowed-signers', 'no signature asked for')
  .option('--symlinks', 'take symbolic links')
  .option('--no-symlinks', 'refuse symbolic links')
  .option('--submodules', 'take submodules')
  .option('--no-submodules', 'refuse submodules')
  .option('--max-blob-bytes <n>', 'the largest file it may push', positive)
  .option('--no-max-blob-bytes', "no limit but the gate's own")
  .option('--replace', 'set the whole grant: what no option names goes')
  .option('--yes', 'drop restrictions without asking')
  .addHelpText(
    'after',
    `
A pattern without refs/ is a branch's (main is refs/heads/main), and under --tags a tag's.
Globs are of the whole path: **/*.env is a kind of file wherever it lies, docs/** a folder.
The grant before and after is printed. A change that drops a restriction is asked about, or needs --yes.`,
  )
  .action(async (agent: string, repository: string, options) => {
    const client = gate()
    const changes = {
      ...options,
      denyPaths: options.denyPath,
      emails: options.email,
      allowedSigners: signers(options),
    }
    const [before] = await client.grants.list({ agent, repository })
    const terms =
      before && !options.replace ? changeTerms(before.terms, partsOf(changes)) : termsOf(wishesOf(changes))
    const dropped = before ? droppedRestrictions(before.terms, terms) : []
    if (dropped.length && !options.yes) await confirmDrop(`${agent} in ${repository}`, dropped)
    const grant = await client.grants.set(agent, repository, terms)
    answer(options, grant, () =>
      [
        ...(before ? [`before: ${summary(before.terms)}`] : []),
        `${before ? 'after:  ' : ''}${grant.agent} in ${grant.repository}: ${summary(grant.terms)}`,
      ].join('\n'),
    )
    if (!options.json) note(`It reads its rules at ${gate().url}/${grant.repository}`)
  })

/** The options' values by part of the grant. */
const PARTS = [
  ...(['read', 'push', 'force', 'delete', 'deny', 'tags', 'pushOptions', 'denyPaths', 'emails'] as const),
  ...(['allowedSigners', 'symlinks', 'submodules', 'maxBlobBytes'] as const),
]

const partsOf = (options: Readonly<Record<string, unknown>>): GrantChanges =>
  Object.fromEntries(PARTS.flatMap(part => (options[part] === undefined ? [] : [[part, options[part]]])))

/** A whole grant: a cleared part is the same as a part that was not given. */
const wishesOf = (options: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(partsOf(options)).filter(
      ([part, value]) => value !== false || part === 'symlinks' || part === 'submodules',
    ),
  )

const signers = ({ allowedSigners }: { allowedSigners?: string | false }) =>
  typeof allowedSigners === 'string' ? readText(allowedSigners) : allowedSigners

/** Asks on a terminal; throws where there is none, or where the answer is no. */
async function confirmDrop(grant: string, dropped: readonly string[]): Promise<void> {
  const change = `this drops from the grant of ${grant}: ${dropped.join('; ')}`
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new Complaint(change, 'Add --yes to drop it, or leave the options out that do', 'needs-yes')
  note(change)
  if (!(await confirm('Drop it?'))) throw new Complaint('nothing was changed', '', 'declined')
}

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
