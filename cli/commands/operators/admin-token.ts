import { EXPIRES_OPTION, formatExpiry, parseExpiry } from '../../options/expiry.ts'
import { tokenId } from '../../options/token-id.ts'
import { localTime, printNote, printResult, table } from '../../output.ts'
import { command, gate, group } from '../context.ts'
import { REPOSITORY_OPTION, roleOption } from './operator.ts'

const mint = command('mint <label>', 'mint an admin token; prints it only once')
  .addOption(roleOption().default('admin'))
  .option(...REPOSITORY_OPTION)
  .option(
    '--owner <principal>',
    'the person who uses it, email:ADDRESS or subject:ISSUER#SUBJECT: approvals by it count as theirs',
  )
  .option(...EXPIRES_OPTION)
  .action(async (label: string, options) => {
    const minted = await gate().adminTokens.mint({
      label,
      role: options.role,
      repository: options.repository ?? null,
      ...(options.owner === undefined ? {} : { owner: options.owner }),
      expiresAt: parseExpiry(options.expires),
    })
    printResult(options, minted, () => minted.token)
    if (!options.json)
      printNote(`Minted admin token ${minted.id}, which is not shown again. Set it as GATE_ADMIN_TOKEN.`)
  })

const list = command('list', 'list admin tokens, without their secrets').action(async options => {
  const tokens = await gate().adminTokens.list()
  printResult(options, tokens, () =>
    table(
      'no admin tokens',
      ['ID', 'LABEL', 'ROLE', 'REPOSITORY', 'OWNER', 'MINTED', 'LAST USED', 'EXPIRES'],
      tokens.map(token => [
        token.id,
        token.label,
        token.role,
        token.repository ?? 'all',
        token.owner ?? '-',
        localTime(token.createdAt),
        localTime(token.lastUsedAt) || 'never',
        formatExpiry(token.revokedAt, token.expiresAt),
      ]),
    ),
  )
})

const revoke = command('revoke <id-or-token>', 'revoke an admin token').action(
  async (id: string, options) => {
    const revoked = await gate().adminTokens.revoke(tokenId('admin-token', id))
    printResult(options, revoked, () => `revoked ${revoked.id} (${revoked.label})`)
  },
)

export const adminToken = group('admin-token', 'manage admin tokens', mint, list, revoke)
