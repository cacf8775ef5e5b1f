import type { Command, Option } from 'commander'

/** A word of a command line, and its meaning. */
export interface Word {
  readonly word: string
  readonly meaning: string
}

/** The words that may follow a command. */
export interface Place {
  /** The command's words after `git gate`, such as `repo add`; empty for `git gate` itself. */
  readonly path: string
  readonly words: readonly Word[]
  /** True where a file may follow. */
  readonly takesFile: boolean
  /** The words that may follow an option: its choices, or undefined for a file. */
  readonly values: readonly { readonly option: string; readonly choices: readonly string[] | undefined }[]
}

/** Lists the places of a command and of every command below it. */
export function placesOf(command: Command, path: readonly string[] = []): Place[] {
  const help = { word: '--help', meaning: 'display help for command' }
  const subcommands = command.commands.map(each => ({ word: each.name(), meaning: each.description() }))
  const options = command.options.flatMap(({ long, description }) =>
    long ? [{ word: long, meaning: description }] : [],
  )
  const choices = command.registeredArguments.flatMap(({ argChoices = [], description }) =>
    argChoices.map(word => ({ word, meaning: description })),
  )
  return [
    {
      path: path.join(' '),
      words: [...subcommands, ...choices, ...options, help],
      takesFile: command.registeredArguments.some(argument => argument.name() === 'file'),
      values: command.options.flatMap(valuesOf),
    },
    ...command.commands.flatMap(each => placesOf(each, [...path, each.name()])),
  ]
}

function valuesOf({ long, flags, argChoices }: Option): Place['values'][number][] {
  if (!long || !(argChoices || /<file>/.test(flags))) return []
  return [{ option: long, choices: argChoices }]
}
