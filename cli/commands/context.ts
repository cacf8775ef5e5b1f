import { Command } from 'commander'
import { type Client, createClient } from '../client.ts'
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

/** Creates a command with subcommands. */
export function group(name: string, description: string, ...commands: Command[]): Command {
  const result = new Command(name).description(description)
  for (const subcommand of commands) result.addCommand(subcommand)
  return result
}
