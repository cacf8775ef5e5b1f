import { Command, CommanderError } from 'commander'
import { visibleJson } from '../src/contract/invisible-characters.ts'
import { adminToken } from './commands/admin-token.ts'
import { agent } from './commands/agent.ts'
import { agentConfigCommand } from './commands/agent-config.ts'
import { apply } from './commands/apply.ts'
import { change } from './commands/change.ts'
import { doctor } from './commands/doctor.ts'
import { exception } from './commands/exception.ts'
import { grant } from './commands/grant.ts'
import { identity } from './commands/identity.ts'
import { push } from './commands/push.ts'
import { repo } from './commands/repo.ts'
import { token } from './commands/token.ts'
import { webhook } from './commands/webhook.ts'
import { Complaint, UsageComplaint } from './errors.ts'
import { plain } from './output.ts'

const program = new Command('git-gate')
  .description('The gate between coding agents and the repositories they work on')
  .addHelpText(
    'after',
    '\nThe gate is found by GATE_URL and GATE_ADMIN_TOKEN, or by what a local gate wrote under GATE_HOME (.git-gate).\nBehind Cloudflare Access it takes a service token, too: GATE_ACCESS_CLIENT_ID and GATE_ACCESS_CLIENT_SECRET.',
  )
for (const each of [
  repo,
  identity,
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
  program.addCommand(each)
stayHere(program)

process.stdout.on('error', error => {
  // A reader that has seen enough, such as head(1), is no fault.
  if ('code' in error && error.code === 'EPIPE') process.exit(0)
  process.exit(complain(new Complaint(`the answer cannot be written: ${error.message}`)))
})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = complain(error)
}

/** Prints what stopped the command, and answers with the exit code: 2 for a wrong command line, else 1. */
function complain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const known = error instanceof Complaint ? error : new Complaint(`this should not happen: ${error}`)
  if (process.argv.includes('--json'))
    console.error(visibleJson({ error: { code: known.code, message: known.message, fix: known.fix } }))
  else console.error(plain(`git-gate: ${known.message}${known.fix ? `\n${known.fix}` : ''}`))
  return error instanceof UsageComplaint ? 2 : 1
}

/** Commander exits by itself otherwise, each subcommand on its own. */
function stayHere(command: Command): void {
  command.exitOverride().showHelpAfterError('(--help tells what it takes)')
  for (const each of command.commands) stayHere(each)
}
