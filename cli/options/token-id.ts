import { UsageError } from '../errors.ts'

/** The two kinds of tokens, by the name of their command. */
const KINDS = {
  token: { pattern: /^gate_([a-z2-7]{10})_/, name: "an agent's token", hint: '' },
  'admin-token': {
    pattern: /^gateadmin_([a-z2-7]{10})_/,
    name: 'an admin token',
    hint: '; the first admin token has no id, and ends when the gate gets another GATE_ADMIN_TOKEN',
  },
} as const

/**
 * Returns the id of a token, given its id or the whole token, as found in a leak. Any other text may be a
 * secret too: it is neither sent nor printed.
 */
export function tokenId(kind: keyof typeof KINDS, text: string): string {
  const { pattern, name, hint } = KINDS[kind]
  const id = pattern.exec(text)?.[1] ?? text
  if (/^[a-z2-7]{1,10}$/.test(id)) return id
  const other = kind === 'token' ? 'admin-token' : 'token'
  const othersId = KINDS[other].pattern.exec(text)?.[1]
  if (othersId !== undefined)
    throw new UsageError(
      `the argument is ${KINDS[other].name}, not ${name}`,
      `To revoke it: git gate ${other} revoke ${othersId}`,
    )
  throw new UsageError(
    `the argument is neither ${name} nor its id`,
    `List the ids: git gate ${kind} list${hint}`,
  )
}
