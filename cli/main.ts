import { Command, CommanderError } from 'commander'
import { visibleJson } from '../src/contract/invisible-characters.ts'
import { adminToken } from './commands/admin-token.ts'
import { agent } from './commands/agent.ts'
import { agentConfigCommand } from './commands/agent-config.ts'
import { apply } from './commands/apply.ts'
import { change } from './commands/change.ts'
import { credential } from './commands/credential.ts'
import { doctor } from './commands/doctor.ts'
import { exception } from './commands/exception.ts'
import { grant } from './commands/grant.ts'
import { identity } from './commands/identity.ts'
import { push } from './commands/push.ts'
import { repo } from './commands/repo.ts'
import { token } from './commands/token.ts'
import { webhook } from './commands/webhook.ts'
import { CliError, UsageError } from './errors.ts'
import { stripControl } from './output.ts'

const program = new Command('git-gate')
  .description('The gate between coding agents and the repositories they work on')
  .addHelpText(
    'after',
    '\nSet GATE_URL and GATE_ADMIN_TOKEN; for a local gate, the command reads them from GATE_HOME (.git-gate).\nBehind Cloudflare Access, also set a service token: GATE_ACCESS_CLIENT_ID and GATE_ACCESS_CLIENT_SECRET.',
  )
for (const command of [
  repo,
  identity,
  credential,
  agent,
  grant,
  token,
  push,
  exception,
  agentConfigCommand,
  apply,
  doctor,
  adminToken,
  change,
  webhook,
])
  program.addCommand(command)
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
