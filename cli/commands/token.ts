import { EXPIRES_OPTION, formatExpiry, parseExpiry } from '../expiry.ts'
import { localTime, printNote, printResult, table } from '../output.ts'
import { tokenId } from '../token-id.ts'
import { command, gate, group } from './context.ts'

const mint = command('mint <agent>', 'mint a token for an agent; prints it only once')
  .option('--label <text>', 'note about the token', '')
  .option(...EXPIRES_OPTION)
  .action(async (agent: string, options) => {
    const minted = await gate().tokens.mint({
      agent,
      label: options.label,
      expiresAt: parseExpiry(options.expires),
    })
    printResult(options, minted, () => minted.token)
    if (!options.json)
      printNote(
        `Minted token ${minted.id} of ${minted.agent}, which is not shown again. To revoke it: git gate token revoke ${minted.id}`,
      )
  })

const list = command('list [agent]', "list agents' tokens, without their secrets").action(
  async (agent: string | undefined, options) => {
    const tokens = await gate().tokens.list(agent)
    printResult(options, tokens, () =>
      table(
        ['ID', 'AGENT', 'LABEL', 'MINTED', 'LAST USED', 'EXPIRES'],
        tokens.map(token => [
          token.id,
          token.agent,
          token.label,
          localTime(token.createdAt),
          localTime(token.lastUsedAt) || 'never',
          formatExpiry(token.revokedAt, token.expiresAt),
        ]),
      ),
    )
  },
)

const revoke = command('revoke <id-or-token>', 'revoke a token').action(async (id: string, options) => {
  const revoked = await gate().tokens.revoke(tokenId('token', id))
  printResult(options, revoked, () => `revoked ${revoked.id} of ${revoked.agent}`)
})

export const token = group('token', "manage agents' tokens", mint, list, revoke)
