import { CliError } from '../../errors.ts'
import { EXPIRES_OPTION, formatExpiry, parseExpiry } from '../../options/expiry.ts'
import { tokenId } from '../../options/token-id.ts'
import { localTime, printNote, printResult, table } from '../../output.ts'
import { assertKnown, command, gate, group } from '../context.ts'

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
        `Minted token ${minted.id} of ${minted.agent}, which expires ${localTime(minted.expiresAt) || 'never'} and is not shown again. To revoke it: git gate token revoke ${minted.id}`,
      )
  })

const list = command('list [agent]', "list agents' tokens, without their secrets").action(
  async (agent: string | undefined, options) => {
    const client = gate()
    const tokens = await client.tokens.list(agent)
    await assertKnown(client, tokens, { agent })
    printResult(options, tokens, () =>
      table(
        'no tokens',
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

const rotate = command(
  'rotate <id-or-token>',
  "mint a token in a token's place, with its label, and revoke it; prints the new token only once",
)
  .option(...EXPIRES_OPTION)
  .action(async (given: string, options) => {
    const client = gate()
    const id = tokenId('token', given)
    const before = (await client.tokens.list()).find(token => token.id === id)
    if (!before) throw new CliError(`there is no token ${id}`, 'List them: git gate token list', 'not-found')
    if (before.revokedAt !== null)
      throw new CliError(`token ${id} is revoked`, `Mint a new one: git gate token mint ${before.agent}`)
    const { agent, label } = before
    const minted = await client.tokens.mint({ agent, label, expiresAt: parseExpiry(options.expires) })
    printResult(options, minted, () => minted.token)
    await client.tokens.revoke(id)
    if (!options.json) printNote(`Minted token ${minted.id} of ${agent}, and revoked ${id}.`)
  })

export const token = group('token', "manage agents' tokens", mint, rotate, list, revoke)
