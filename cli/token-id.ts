import { UsageComplaint } from './errors.ts'

/** The two kinds of tokens, by the words of the command line that are about them. */
const KINDS = {
  token: { whole: /^gate_([a-z2-7]{10})_/, name: "an agent's token", remedy: '' },
  'admin-token': {
    whole: /^gateadmin_([a-z2-7]{10})_/,
    name: 'an admin token',
    remedy: '; the first admin token has none: it ends when the gate gets another GATE_ADMIN_TOKEN',
  },
} as const

/**
 * The id of a token that is named by its id or is there whole: whoever found one that leaked has only that.
 * Anything else may be a secret too, so it is neither sent anywhere nor repeated.
 */
export function tokenId(kind: keyof typeof KINDS, given: string): string {
  const { whole, name, remedy } = KINDS[kind]
  const id = whole.exec(given)?.[1] ?? given
  if (/^[a-z2-7]{1,10}$/.test(id)) return id
  const other = kind === 'token' ? 'admin-token' : 'token'
  const othersId = KINDS[other].whole.exec(given)?.[1]
  if (othersId !== undefined)
    throw new UsageComplaint(
      `this is ${KINDS[other].name}, not ${name}`,
      `To end it: git gate ${other} revoke ${othersId}`,
    )
  throw new UsageComplaint(
    `this is neither ${name} nor the id of one`,
    `git gate ${kind} list has the ids${remedy}`,
  )
}
