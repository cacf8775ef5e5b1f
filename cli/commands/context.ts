import { Command } from 'commander'
import { type Client, clientOf } from '../client.ts'
import { findSettings } from '../settings.ts'

/** The gate this command line speaks with; it is looked for when it is first needed, so that --help works without. */
export const gate = (): Client => clientOf(findSettings(process.env, process.cwd()))

/** A command that can answer in JSON. Its arguments follow its name, as commander writes them. */
export function command(nameAndArguments: string, description: string): Command {
  const [name, ...parameters] = nameAndArguments.split(' ')
  const made = new Command(name).description(description).option('--json', 'answer in JSON')
  for (const parameter of parameters) made.argument(parameter)
  return made
}

/** A word with commands under it. */
export function group(name: string, description: string, ...commands: Command[]): Command {
  const made = new Command(name).description(description)
  for (const each of commands) made.addCommand(each)
  return made
}
