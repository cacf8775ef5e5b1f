import { Command } from 'commander'
import { unknownSetting } from '../../local/unknown-setting.ts'
import { type Client, createClient } from '../client.ts'
import { confirm } from '../confirm.ts'
import { CliError, UsageError } from '../errors.ts'
import { stripControl } from '../output.ts'
import { findSettings } from '../settings.ts'

/** Connects to the gate. Commands call this when they run, so that --help works without a gate. */
export function gate(): Client {
  // With a misspelt GATE_URL or GATE_HOME a command would reach another gate.
  const unknown = unknownSetting(process.env)
  if (unknown !== undefined) throw new UsageError(unknown)
  return createClient(findSettings(process.env, process.cwd()))
}

/** Creates a command with --json. Its arguments follow its name, in commander's syntax. */
export function command(nameAndArguments: string, description: string): Command {
  const [name, ...parameters] = nameAndArguments.split(' ')
  const result = new Command(name).description(description).option('--json', 'print JSON')
  for (const parameter of parameters) result.argument(parameter)
  return result.hook('preAction', assertNotEmpty)
}

/** Throws a UsageError for an empty argument, as of a shell's unset variable: a list would be of everything. */
function assertNotEmpty(command: Command): void {
  const index = command.args.indexOf('')
  if (index < 0) return
  const argument = command.registeredArguments[index] ?? command.registeredArguments.at(-1)
  throw new UsageError(`<${argument?.name()}> must not be empty`, 'See the options: --help')
}

/** Creates a command that removes something: it asks on a terminal, unless --yes is given. */
export function removal(nameAndArguments: string, description: string): Command {
  return command(nameAndArguments, description)
    .option('--yes', 'do not ask; without a terminal, or with --json, nothing is asked')
    .hook('preAction', async action => {
      const { yes, json } = action.opts()
      if (yes || json || !process.stdin.isTTY || !process.stdout.isTTY) return
      const subject = `${action.parent?.name()} ${action.args.join(' in ')}`
      if (!(await confirm(`Remove ${stripControl(subject)}?`)))
        throw new CliError('nothing was removed', '', 'not-confirmed')
    })
}

/**
 * Throws a CliError if a filter of an empty list names a repository or an agent that does not exist: an empty list
 * would say that nothing waits there. A removed repository or agent may still have entries.
 */
export async function assertKnown(
  client: Client,
  found: readonly unknown[],
  { repository, agent }: { repository?: string | undefined; agent?: string | undefined },
): Promise<void> {
  if (found.length > 0) return
  // A role in one repository may list, and yet not ask for agents.
  const throwUnknown = (error: unknown) => {
    if (error instanceof CliError && error.code === 'not-found') throw error
  }
  if (repository !== undefined) await client.repositories.show(repository).catch(throwUnknown)
  if (agent !== undefined) await client.agents.show(agent).catch(throwUnknown)
}

/** Creates a command with subcommands. */
export function group(name: string, description: string, ...commands: Command[]): Command {
  const result = new Command(name).description(description)
  for (const subcommand of commands) result.addCommand(subcommand)
  return result
}
