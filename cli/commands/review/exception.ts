import { plural } from '../../../src/contract/text/plural.ts'
import { formatExpiry, parseExpiry } from '../../options/expiry.ts'
import { TIME_FORMATS } from '../../options/point-in-time.ts'
import { type Selectors, selectionOf, withSelectors } from '../../options/select-findings.ts'
import { localTime, printResult, table } from '../../output.ts'
import { assertKnown, command, gate, group } from '../context.ts'

const add = withSelectors(
  command(
    'add <repository> [fingerprint...]',
    'let findings pass: by their fingerprints, or several that wait for a decision',
  ),
)
  .requiredOption('--reason <text>', 'why they are allowed; recorded in the audit log')
  .option('--until <when>', `when the exceptions expire: ${TIME_FORMATS}`)
  .action(
    async (
      repository: string,
      fingerprints: string[],
      options: Selectors & { reason: string; until?: string },
    ) => {
      const select = selectionOf(fingerprints, options)
      const { reason } = options
      const until = parseExpiry(options.until)
      const [fingerprint] = fingerprints
      // An exception can be made before the finding's first push, too.
      if (fingerprint !== undefined && fingerprints.length === 1) {
        const granted = await gate().exceptions.add({ repository, fingerprint, reason, until })
        printResult(
          options,
          granted,
          () => `granted ${granted.id}: ${granted.fingerprint} is allowed in ${granted.repository}`,
        )
        return
      }
      const decided = await gate().pending.decide({ repository, decision: 'allow', reason, until, select })
      printResult(
        options,
        decided,
        () => `granted ${plural(decided.fingerprints.length, 'exception')} in ${decided.repository}`,
      )
    },
  )

const list = command('list', 'list exceptions, including expired and revoked exceptions')
  .option('--repository <name>', 'only in this repository')
  .action(async options => {
    const client = gate()
    const exceptions = await client.exceptions.list(options.repository)
    await assertKnown(client, exceptions, options)
    printResult(options, exceptions, () =>
      table(
        'no exceptions',
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
