import { Command } from 'commander'
import { type Client, clientOf } from '../client.ts'
import { findSettings } from '../settings.ts'

/** The gate this command line speaks with; it is looked for when it is first needed, so that --help works without. */
export const gate = (): Client => clientOf(findSettings(process.env, process.cwd()))

/** A command that can answer in JSON. */
export const command = (nameAndArguments: string, description: string): Command =>
  new Command(nameAndArguments.split(' ')[0])
    .arguments(nameAndArguments.split(' ').slice(1).join(' '))
    .description(description)
    .option('--json', 'answer in JSON')

/** A word with commands under it. */
export function group(name: string, description: string, ...commands: Command[]): Command {
  const made = new Command(name).description(description)
  for (const each of commands) made.addCommand(each)
  return made
}
