import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { program } from '../../../cli/program.ts'

/** Lists the commands that do something, with the words that run them. */
function commandsOf(command: Command, words: readonly string[] = []): [string, string][] {
  if (command.commands.length === 0) return [[words.join(' '), command.helpInformation()]]
  return command.commands.flatMap(each => commandsOf(each, [...words, each.name()]))
}

test('every command has --help and --json', () => {
  const commands = commandsOf(program)
  expect(commands.length).toBeGreaterThan(24)
  for (const [words, help] of commands) expect(help, words).toMatch(/^Usage: git-gate .*--json.*--help/s)
})
