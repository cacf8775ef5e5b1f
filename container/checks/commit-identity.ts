import { keysIn } from '../../src/contract/allowed-signers.ts'
import { compileGlob } from '../../src/contract/glob.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import { type Check, GateFault, type IncomingPush } from './check.ts'
import { notSigned } from './commit-signatures.ts'
import { defaultLimits, type Limits, OverLimit } from './limits.ts'
import { byRef } from './objects/commit-refs.ts'
import { type Introduced, introducedBy } from './objects/new-objects.ts'
import { printable } from './secrets/findings/redact.ts'

interface Maker {
  readonly commit: string
  readonly author: string
  readonly committer: string
}

const SIGNATURES: Readonly<Record<string, string>> = {
  N: 'is not signed',
  B: 'has a bad signature',
  U: 'is signed by a key that is not among the allowed signers',
  X: 'has an expired signature',
  Y: 'is signed by an expired key',
  R: 'is signed by a revoked key',
}
const OTHERWISE = 'has a signature by a key that is not among the allowed signers, or one that cannot be read'

const SHOWN = 5

/**
 * Who made the new commits: author's and committer's e-mail addresses against the grant's globs, and signatures against
 * its allowed signers, by git's own verification.
 */
export function identity(settings: { readonly maxBlobBytes: number } & Partial<Limits>): Check {
  const limits: Limits = { ...defaultLimits, ...settings }
  return {
    name: 'identity',
    dependsOnGrant: true,
    async run(push, _say, signal) {
      const { emails, allowedSigners } = push.pass.terms
      if (emails.length === 0 && allowedSigners === '') return []
      let introduced: Introduced
      try {
        introduced = await introducedBy(push, limits, signal)
      } catch (error) {
        if (!(error instanceof OverLimit)) throw error
        return [
          {
            reason: 'the push is too large',
            detail: [`${error.message}.`],
            remedy: [`Please ${error.remedy}.`],
          },
        ]
      }
      if (introduced.commits.size === 0) return []
      const commits = [...introduced.commits.keys()]
      try {
        const breaches = [
          ...(emails.length ? await strangers(push, commits, signal) : []),
          ...(allowedSigners ? await unsigned(push, commits, signal) : []),
        ]
        return refusals(push, introduced, breaches)
      } catch (error) {
        if (error instanceof GateFault) throw error
        throw new GateFault('the gate could not check who made the commits of this push', { cause: error })
      }
    },
  }
}

/** A rule that a commit breaks. */
interface Breach {
  readonly commit: string
  readonly what: string
  readonly kind: 'email' | 'signature'
}

async function strangers(
  push: IncomingPush,
  commits: readonly string[],
  signal: AbortSignal,
): Promise<Breach[]> {
  const patterns = push.pass.terms.emails.map(compileGlob)
  const allowed = (email: string) => patterns.some(pattern => pattern.test(email))
  return (await makersOf(push, commits, signal)).flatMap(({ commit, author, committer }) => {
    const who = [
      ...(allowed(author) ? [] : [`author ${printable(author, 80)}`]),
      ...(allowed(committer) ? [] : [`committer ${printable(committer, 80)}`]),
    ]
    return who.map(each => ({
      commit,
      what: `commit ${commit.slice(0, 7)}: ${each}`,
      kind: 'email' as const,
    }))
  })
}

async function makersOf(
  push: IncomingPush,
  commits: readonly string[],
  signal: AbortSignal,
): Promise<Maker[]> {
  const text = await push.git.text(
    [
      'log',
      '--no-walk=unsorted',
      '--stdin',
      '--no-mailmap',
      '--no-show-signature',
      '--encoding=UTF-8',
      '--format=%H%x00%ae%x00%ce',
    ],
    { signal, input: `${commits.join('\n')}\n` },
  )
  const makers = text.split('\n').flatMap(line => {
    if (line === '') return []
    const [commit, author, committer, ...more] = line.split('\0')
    if (!commit || author === undefined || committer === undefined || more.length)
      throw new Error('git log cannot be read')
    return [{ commit, author, committer }]
  })
  const asked = new Set(commits)
  if (makers.length !== commits.length || makers.some(({ commit }) => !asked.has(commit)))
    throw new Error(`git log speaks of ${makers.length} of ${commits.length} commits`)
  return makers
}

async function unsigned(
  push: IncomingPush,
  commits: readonly string[],
  signal: AbortSignal,
): Promise<Breach[]> {
  return [...(await notSigned(push, commits, signal))].map(([commit, letter]) => ({
    commit,
    what: `commit ${commit.slice(0, 7)} ${SIGNATURES[letter] ?? OTHERWISE}`,
    kind: 'signature',
  }))
}

function refusals(push: IncomingPush, introduced: Introduced, breaches: readonly Breach[]): Refusal[] {
  const { emails, allowedSigners } = push.pass.terms
  const keys = keysIn(allowedSigners)
  return [...byRef(push, introduced, breaches)].map(([ref, of]) => ({
    ref,
    reason: `${of[0]?.what}${of.length > 1 ? ` and ${of.length - 1} more` : ''}`,
    detail: [
      ...of.slice(0, SHOWN).map(each => each.what),
      ...(of.length > SHOWN ? [`… and ${of.length - SHOWN} more`] : []),
    ],
    remedy: [
      ...(of.some(each => each.kind === 'email')
        ? [
            `E-mail addresses here must match ${emails.join(' or ')}. For the newest commit:`,
            "  git config user.email '<address>' && git commit --amend --no-edit --reset-author",
          ]
        : []),
      ...(of.some(each => each.kind === 'signature')
        ? [
            'Every new commit must be signed with a key that the gate was told of. To sign those that are not pushed yet:',
            ...(keys.ssh.trim()
              ? ["  git config gpg.format ssh && git config user.signingKey '<public key file>'"]
              : []),
            ...(keys.openPgp.length
              ? ["  git config gpg.format openpgp && git config user.signingKey '<key id>'"]
              : []),
            '  git rebase --force-rebase --gpg-sign @{upstream}',
          ]
        : []),
    ],
  }))
}
