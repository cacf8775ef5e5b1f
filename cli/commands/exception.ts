import { endAt, toldEnd } from '../expiry.ts'
import { answer, localTime, table } from '../output.ts'
import { TIMES } from '../point-in-time.ts'
import { command, gate, group } from './context.ts'

const add = command('add <repository> <fingerprint>', 'let one finding pass, by its fingerprint')
  .requiredOption('--reason <text>', 'why it may pass; it stays on record')
  .option('--until <when>', `when it ends: ${TIMES}`)
  .action(async (repository: string, fingerprint: string, options) => {
    const granted = await gate().exceptions.add({
      repository,
      fingerprint,
      reason: options.reason,
      until: endAt(options.until),
    })
    answer(options, granted, () => `${granted.id}: ${granted.fingerprint} may pass in ${granted.repository}`)
  })

const list = command('list', 'every exception, also those that have ended')
  .option('--repository <name>', 'in this repository only')
  .action(async options => {
    const exceptions = await gate().exceptions.list(options.repository)
    answer(options, exceptions, () =>
      table(
        ['ID', 'REPOSITORY', 'FINGERPRINT', 'BY', 'SINCE', 'ENDS', 'REASON'],
        exceptions.map(each => [
          each.id,
          each.repository,
          each.fingerprint,
          each.grantedBy,
          localTime(each.createdAt),
          toldEnd(each.revokedAt, each.until),
          each.reason,
        ]),
      ),
    )
  })

const revoke = command('revoke <id>', 'end an exception: the finding is refused again').action(
  async (id: string, options) => {
    const revoked = await gate().exceptions.revoke(id)
    answer(
      options,
      revoked,
      () => `revoked ${revoked.id}: ${revoked.fingerprint} is refused in ${revoked.repository}`,
    )
  },
)

export const exception = group('exception', 'findings that an operator lets pass', add, list, revoke)
