import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { z } from 'zod'
import { agent } from './commands/access/agent.ts'
import { credential } from './commands/access/credential.ts'
import { grant } from './commands/access/grant.ts'
import { identity } from './commands/access/identity.ts'
import { token } from './commands/access/token.ts'
import { agentConfigCommand } from './commands/agent-config.ts'
import { apply } from './commands/apply.ts'
import { completion } from './commands/completion.ts'
import { doctor } from './commands/doctor.ts'
import { exportCommand } from './commands/export.ts'
import { adminToken } from './commands/operators/admin-token.ts'
import { auditLog } from './commands/operators/audit-log.ts'
import { operator } from './commands/operators/operator.ts'
import { webhook } from './commands/operators/webhook.ts'
import { repo } from './commands/repo.ts'
import { approval } from './commands/review/approval.ts'
import { exception } from './commands/review/exception.ts'
import { pending } from './commands/review/pending.ts'
import { push } from './commands/review/push.ts'

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')))

const EXIT_CODES = `
Exit codes: 0 done; 1 refused by the gate, unreachable, or a check failed; 2 an invalid command line.`

/** Every command of git gate. */
export const program = new Command('git-gate')
  .description('The gate between coding agents and the repositories they work on')
  .version(version, '--version', 'print the version')
  .addHelpText(
    'after',
    '\nGATE_URL and GATE_ADMIN_TOKEN name the gate and authenticate the operator. For a local gate both are read from\nGATE_HOME (.git-gate). Behind Cloudflare Access, also set GATE_ACCESS_CLIENT_ID and GATE_ACCESS_CLIENT_SECRET.' +
      EXIT_CODES,
  )
for (const command of [
  repo,
  identity,
  credential,
  agent,
  grant,
  token,
  push,
  pending,
  approval,
  exception,
  agentConfigCommand,
  apply,
  exportCommand,
  doctor,
  adminToken,
  operator,
  auditLog,
  webhook,
  completion,
])
  program.addCommand(command)
