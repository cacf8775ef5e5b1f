import { EXPIRES, endAt, toldEnd } from '../expiry.ts'
import { answer, localTime, note, table } from '../output.ts'
import { tokenId } from '../token-id.ts'
import { command, gate, group } from './context.ts'

const mint = command('mint <agent>', 'make a token for an agent; prints it, this once')
  .option('--label <text>', 'what it is for', '')
  .option(...EXPIRES)
  .action(async (agent: string, options) => {
    const minted = await gate().tokens.mint({
      agent,
      label: options.label,
      expiresAt: endAt(options.expires),
    })
    answer(options, minted, () => minted.token)
    if (!options.json)
      note(
        `Token ${minted.id} of ${minted.agent}; it is not shown again. To end it: git gate token revoke ${minted.id}`,
      )
  })

const list = command('list [agent]', "agents' tokens, without their secrets").action(
  async (agent: string | undefined, options) => {
    const tokens = await gate().tokens.list(agent)
    answer(options, tokens, () =>
      table(
        ['ID', 'AGENT', 'LABEL', 'MINTED', 'LAST USED', 'ENDS'],
        tokens.map(each => [
          each.id,
          each.agent,
          each.label,
          localTime(each.createdAt),
          localTime(each.lastUsedAt) || 'never',
          toldEnd(each.revokedAt, each.expiresAt),
        ]),
      ),
    )
  },
)

const revoke = command('revoke <id-or-token>', 'end a token: it fails at the next request').action(
  async (id: string, options) => {
    const revoked = await gate().tokens.revoke(tokenId('token', id))
    answer(options, revoked, () => `revoked ${revoked.id} of ${revoked.agent}`)
  },
)

export const token = group('token', "agents' tokens", mint, list, revoke)
