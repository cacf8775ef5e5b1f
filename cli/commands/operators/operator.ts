import { Option } from 'commander'
import { Role } from '../../../src/contract/role.ts'
import { localTime, printResult, table } from '../../output.ts'
import { command, gate, group, removal } from '../context.ts'

/** The option of the commands that give a role. */
export const roleOption = () =>
  new Option(
    '--role <role>',
    'viewer reads; approver also decides on findings and pushes; admin does everything',
  ).choices(Role.options)

export const REPOSITORY_OPTION = [
  '--repository <name>',
  'the role in this repository only; without it, in the whole gate',
] as const

const place = (repository: string | null) => repository ?? 'the gate'

const set = command(
  'set <principal>',
  'give a role to email:ADDRESS, group:NAME or subject:ISSUER#SUBJECT, which a sign-in proves',
)
  .addOption(roleOption().makeOptionMandatory())
  .option(...REPOSITORY_OPTION)
  .action(async (principal: string, options) => {
    const assigned = await gate().operators.set({
      principal,
      role: options.role,
      repository: options.repository ?? null,
    })
    printResult(
      options,
      assigned,
      () => `${assigned.principal} is ${assigned.role} of ${place(assigned.repository)}`,
    )
  })

const list = command('list', 'list the roles of operators who sign in').action(async options => {
  const roles = await gate().operators.list()
  printResult(options, roles, () =>
    table(
      'no operator who signs in has a role',
      ['PRINCIPAL', 'ROLE', 'REPOSITORY', 'SINCE'],
      roles.map(({ principal, role, repository, createdAt }) => [
        principal,
        role,
        repository ?? 'all',
        localTime(createdAt),
      ]),
    ),
  )
})

const remove = removal('remove <principal>', 'take a role away, with effect from the next request')
  .option(...REPOSITORY_OPTION)
  .action(async (principal: string, options) => {
    const removed = await gate().operators.remove(principal, options.repository ?? null)
    printResult(
      options,
      removed,
      () => `${removed.principal} is no longer ${removed.role} of ${place(removed.repository)}`,
    )
  })

export const operator = group('operator', 'manage the roles of operators who sign in', set, list, remove)
