import { EXPIRES, endAt, toldEnd } from '../expiry.ts'
import { answer, localTime, note, table } from '../output.ts'
import { tokenId } from '../token-id.ts'
import { command, gate, group } from './context.ts'

const mint = command('mint <label>', 'make a token for an operator; prints it, this once')
  .option(...EXPIRES)
  .action(async (label: string, options) => {
    const minted = await gate().adminTokens.mint({
      label,
      expiresAt: endAt(options.expires),
    })
    answer(options, minted, () => minted.token)
    if (!options.json) note(`Admin token ${minted.id}; it is not shown again. It goes into GATE_ADMIN_TOKEN.`)
  })

const list = command('list', "operators' tokens, without their secrets").action(async options => {
  const tokens = await gate().adminTokens.list()
  answer(options, tokens, () =>
    table(
      ['ID', 'LABEL', 'MINTED', 'LAST USED', 'ENDS'],
      tokens.map(each => [
        each.id,
        each.label,
        localTime(each.createdAt),
        localTime(each.lastUsedAt) || 'never',
        toldEnd(each.revokedAt, each.expiresAt),
      ]),
    ),
  )
})

const revoke = command('revoke <id-or-token>', 'end an admin token: it fails at the next request').action(
  async (id: string, options) => {
    const revoked = await gate().adminTokens.revoke(tokenId('admin-token', id))
    answer(options, revoked, () => `revoked ${revoked.id} (${revoked.label})`)
  },
)

export const adminToken = group('admin-token', "operators' tokens", mint, list, revoke)
