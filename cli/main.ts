import { type Command, CommanderError } from 'commander'
import { visibleJson } from '../src/contract/text/invisible-characters.ts'
import { CliError, UsageError } from './errors.ts'
import { withOptionName } from './options/name-option.ts'
import { stripControl } from './output.ts'
import { program } from './program.ts'

const printsJson = process.argv.includes('--json')
disableExit(program)

process.stdout.on('error', error => {
  // A reader such as head(1) may close the pipe early.
  if ('code' in error && error.code === 'EPIPE') process.exit(0)
  process.exit(printError(new CliError(`writing to stdout failed: ${error.message}`)))
})

/** The command that runs, once its command line is parsed. */
let running: Command | undefined
program.hook('preAction', (_, command) => {
  running = command
})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = printError(error)
}

/** Prints an error to stderr, and returns the exit code: 2 for an invalid command line, else 1. */
function printError(error: unknown): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  if (error instanceof CommanderError) {
    if (printsJson && error.code !== 'commander.help')
      printJsonError('usage', error.message.replace(/^error: /, ''), 'See --help')
    return 2
  }
  const { code, message, fix } = inOptions(
    error instanceof CliError ? error : new CliError(`unexpected error: ${error}`),
  )
  if (printsJson) printJsonError(code, message, fix)
  else console.error(stripControl(`git-gate: ${message}${fix ? `\n${fix}` : ''}`))
  return error instanceof UsageError ? 2 : 1
}

/** Returns an error about a field of the API with the name of the command's option. */
function inOptions(error: CliError): CliError {
  if (error.code !== 'bad-request' || running === undefined) return error
  return new CliError(
    withOptionName(error.message, running),
    error.fix || 'See the options: --help',
    error.code,
  )
}

function printJsonError(code: string, message: string, fix: string): void {
  console.error(visibleJson({ error: { code, message, fix } }))
}

/** Makes commander throw instead of exiting, in every subcommand. With --json it prints no error itself. */
function disableExit(command: Command): void {
  command.exitOverride()
  if (printsJson) command.configureOutput({ outputError: () => {} })
  else command.showHelpAfterError('(see --help for usage)')
  for (const subcommand of command.commands) disableExit(subcommand)
}
