import { formatExpiry, parseExpiry } from '../expiry.ts'
import { localTime, printResult, table } from '../output.ts'
import { TIME_FORMATS } from '../point-in-time.ts'
import { command, gate, group } from './context.ts'

const add = command('add <repository> <fingerprint>', 'grant an exception for a finding, by its fingerprint')
  .requiredOption('--reason <text>', 'why the finding is allowed; recorded in the change log')
  .option('--until <when>', `when the exception expires: ${TIME_FORMATS}`)
  .action(async (repository: string, fingerprint: string, options) => {
    const granted = await gate().exceptions.add({
      repository,
      fingerprint,
      reason: options.reason,
      until: parseExpiry(options.until),
    })
    printResult(
      options,
      granted,
      () => `granted ${granted.id}: ${granted.fingerprint} is allowed in ${granted.repository}`,
    )
  })

const list = command('list', 'list exceptions, including expired and revoked exceptions')
  .option('--repository <name>', 'only in this repository')
  .action(async options => {
    const exceptions = await gate().exceptions.list(options.repository)
    printResult(options, exceptions, () =>
      table(
        ['ID', 'REPOSITORY', 'FINGERPRINT', 'BY', 'SINCE', 'EXPIRES', 'REASON'],
        exceptions.map(exception => [
          exception.id,
          exception.repository,
          exception.fingerprint,
          exception.grantedBy,
          localTime(exception.createdAt),
          formatExpiry(exception.revokedAt, exception.until),
          exception.reason,
        ]),
      ),
    )
  })

const revoke = command('revoke <id>', 'revoke an exception').action(async (id: string, options) => {
  const revoked = await gate().exceptions.revoke(id)
  printResult(
    options,
    revoked,
    () => `revoked ${revoked.id}: ${revoked.fingerprint} is refused again in ${revoked.repository}`,
  )
})

export const exception = group('exception', 'manage exceptions for findings', add, list, revoke)
