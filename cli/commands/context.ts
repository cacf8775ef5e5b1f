import { Command } from 'commander'
import { type Client, createClient } from '../client.ts'
import { confirm } from '../confirm.ts'
import { CliError } from '../errors.ts'
import { stripControl } from '../output.ts'
import { findSettings } from '../settings.ts'

/** Connects to the gate. Commands call this when they run, so that --help works without a gate. */
export const gate = (): Client => createClient(findSettings(process.env, process.cwd()))

/** Creates a command with --json. Its arguments follow its name, in commander's syntax. */
export function command(nameAndArguments: string, description: string): Command {
  const [name, ...parameters] = nameAndArguments.split(' ')
  const result = new Command(name).description(description).option('--json', 'print JSON')
  for (const parameter of parameters) result.argument(parameter)
  return result
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

/** Creates a command with subcommands. */
export function group(name: string, description: string, ...commands: Command[]): Command {
  const result = new Command(name).description(description)
  for (const subcommand of commands) result.addCommand(subcommand)
  return result
}
