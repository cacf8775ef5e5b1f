import { splitSigners } from '../../../src/contract/ssh/allowed-signers.ts'
import { compileGlob } from '../../../src/contract/text/glob.ts'
import { LATER_COMMIT_DOES_NOT_HELP } from '../../git/clone-commands.ts'
import type { IncomingPush } from '../check.ts'
import { RESET_AUTHOR } from './amend-steps.ts'
import type { RefHistory } from './ref-history.ts'
import { type RefusedRef, rewriteThenMove } from './refused-ref.ts'
import { rebaseCommand } from './rewrite-history.ts'

/** A commit whose author, committer or signature the grant does not allow. */
export interface IdentityBreach {
  readonly commit: string
  readonly kind: 'author' | 'committer' | 'unsigned' | 'signature'
}

/** Returns the steps that write new commits again, with another e-mail address or with a signature. */
export function identitySteps(
  refused: RefusedRef,
  breaches: readonly IdentityBreach[],
  pass: IncomingPush['pass'],
): string[] {
  const { history } = refused
  if (!history) return []
  const { emails } = pass.terms
  const hasBreach = (...kinds: IdentityBreach['kind'][]) => breaches.some(({ kind }) => kinds.includes(kind))
  const isEmail = hasBreach('author', 'committer')
  const isSignature = hasBreach('unsigned', 'signature')
  const rewrite = (history: RefHistory) => [
    ...(isEmail
      ? [
          `E-mail addresses here must match ${emails.join(' or ')}:`,
          `  git config user.email ${exampleAddress(emails, pass.agent)}`,
        ]
      : []),
    ...(isSignature ? signingHints(pass) : []),
    'Write the new commits again (uncommitted work is put aside and comes back):',
    `  ${rebaseCommand(history, oldestOf(history, breaches), {
      ...(isEmail && { exec: hasBreach('author') ? RESET_AUTHOR : RESET_COMMITTER }),
      options: isSignature ? '--force-rebase --gpg-sign' : '',
    })}`,
  ]
  return [...rewriteThenMove(refused, history, rewrite), LATER_COMMIT_DOES_NOT_HELP]
}

const RESET_COMMITTER = 'git commit --amend --quiet --allow-empty --no-edit'

const oldestOf = ({ order, tip }: RefHistory, breaches: readonly IdentityBreach[]): string => {
  const bad = new Set(breaches.map(({ commit }) => commit))
  return [...order.keys()].find(id => bad.has(id)) ?? tip
}

/** Returns an address that one of the patterns matches, with the agent's name in the place of a wildcard. */
function exampleAddress(patterns: readonly string[], agent: string): string {
  for (const pattern of patterns) {
    const address = pattern.replaceAll('{agent}', agent).replace(/\*+/g, agent)
    if (/^[\w.+-]+@[\w.-]+$/.test(address) && compileGlob(pattern).test(address)) return address
  }
  return "'<address>'"
}

function signingHints({ agent, repository, terms }: IncomingPush['pass']): string[] {
  const { ssh, openPgp } = splitSigners(terms.allowedSigners)
  const formats = [...(ssh.trim() ? ['ssh'] : []), ...(openPgp.length ? ['openpgp'] : [])]
  return [
    `Every new commit must be signed by an allowed signer (gpg.format ${formats.join(' or ')}, with the key in user.signingKey).`,
    `Without such a key nothing you can do: tell the operator, who allows a key of yours with: git gate grant set ${agent} ${repository.name} --allowed-signers FILE`,
  ]
}
