import { type Command, CommanderError } from 'commander'
import { visibleJson } from '../src/contract/text/invisible-characters.ts'
import { CliError, UsageError } from './errors.ts'
import { stripControl } from './output.ts'
import { program } from './program.ts'

disableExit(program)

process.stdout.on('error', error => {
  // A reader such as head(1) may close the pipe early.
  if ('code' in error && error.code === 'EPIPE') process.exit(0)
  process.exit(printError(new CliError(`writing to stdout failed: ${error.message}`)))
})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = printError(error)
}

/** Prints an error to stderr, and returns the exit code: 2 for an invalid command line, else 1. */
function printError(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const cliError = error instanceof CliError ? error : new CliError(`unexpected error: ${error}`)
  if (process.argv.includes('--json'))
    console.error(
      visibleJson({ error: { code: cliError.code, message: cliError.message, fix: cliError.fix } }),
    )
  else console.error(stripControl(`git-gate: ${cliError.message}${cliError.fix ? `\n${cliError.fix}` : ''}`))
  return error instanceof UsageError ? 2 : 1
}

/** Makes commander throw instead of exiting, in every subcommand. */
function disableExit(command: Command): void {
  command.exitOverride().showHelpAfterError('(see --help for usage)')
  for (const subcommand of command.commands) disableExit(subcommand)
}
