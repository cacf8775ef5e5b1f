import type { Refusal } from '../../src/contract/outcome.ts'
import { compileGlob } from '../../src/contract/text/glob.ts'
import { type Check, GateFault, type IncomingPush } from './check.ts'
import { unverifiedCommits } from './commit-signatures.ts'
import { defaultLimits, LimitExceeded, type Limits } from './limits.ts'
import { groupByRef } from './objects/commit-refs.ts'
import { type NewObjects, newObjectsOf } from './objects/new-objects.ts'
import { type IdentityBreach, identitySteps } from './remedy/identity-steps.ts'
import { refusedRefs } from './remedy/refused-refs.ts'
import { sanitizeForAgent } from './sanitize-text.ts'

interface CommitIdentity {
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
const OTHER_SIGNATURE =
  'has a signature by a key that is not among the allowed signers, or one that cannot be read'

const MAX_SHOWN = 5

/**
 * Checks the new commits' author and committer e-mail addresses against the grant's patterns, and their signatures
 * against its allowed signers. git verifies the signatures.
 */
export function commitIdentity(settings: { readonly maxBlobBytes: number } & Partial<Limits>): Check {
  const limits: Limits = { ...defaultLimits, ...settings }
  return {
    name: 'identity',
    dependsOnGrant: true,
    async run(push, _sendProgress, signal) {
      const { emails, allowedSigners } = push.pass.terms
      if (emails.length === 0 && allowedSigners === '') return []
      let introduced: NewObjects
      try {
        introduced = await newObjectsOf(push, limits, signal)
      } catch (error) {
        if (!(error instanceof LimitExceeded)) throw error
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
          ...(emails.length ? await disallowedEmails(push, commits, signal) : []),
          ...(allowedSigners ? await unverifiedSignatures(push, commits, signal) : []),
        ]
        return refusals(push, introduced, breaches)
      } catch (error) {
        if (error instanceof GateFault) throw error
        throw new GateFault("the gate could not check the authors of this push's commits", { cause: error })
      }
    },
  }
}

/** A rule that a commit breaks. */
interface Breach extends IdentityBreach {
  readonly message: string
}

async function disallowedEmails(
  push: IncomingPush,
  commits: readonly string[],
  signal: AbortSignal,
): Promise<Breach[]> {
  const patterns = push.pass.terms.emails.map(compileGlob)
  const allowed = (email: string) => isPlain(email) && patterns.some(pattern => pattern.test(email))
  return (await commitAuthors(push, commits, signal)).flatMap(({ commit, author, committer }) => {
    const disallowed = [
      ...(allowed(author) ? [] : [{ kind: 'author' as const, email: author }]),
      ...(allowed(committer) ? [] : [{ kind: 'committer' as const, email: committer }]),
    ]
    return disallowed.map(({ kind, email }) => ({
      commit,
      message: `commit ${commit.slice(0, 7)}: ${kind} ${displayEmail(email)}`,
      kind,
    }))
  })
}

/**
 * Returns whether an address has one domain. git takes any text as an address: `eve@evil.example@acme.example`, or one
 * with a quote, a list or a second address in it, is of another domain for other readers. Such an address matches no
 * pattern.
 */
const isPlain = (email: string): boolean =>
  /^[^@]+(?:@[^@]+)?$/.test(email) &&
  !/[\s"(),:;<>[\\\]\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u.test(email)

const displayEmail = (email: string): string =>
  sanitizeForAgent(email, 80) + (isPlain(email) ? '' : ', which is not one plain address')

async function commitAuthors(
  push: IncomingPush,
  commits: readonly string[],
  signal: AbortSignal,
): Promise<CommitIdentity[]> {
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
  const authors = text.split('\n').flatMap(line => {
    if (line === '') return []
    const [commit, author, committer, ...rest] = line.split('\0')
    if (!commit || author === undefined || committer === undefined || rest.length)
      throw new Error('the output of git log cannot be parsed')
    return [{ commit, author, committer }]
  })
  const requested = new Set(commits)
  if (authors.length !== commits.length || authors.some(({ commit }) => !requested.has(commit)))
    throw new Error(`git log printed ${authors.length} of ${commits.length} commits`)
  return authors
}

async function unverifiedSignatures(
  push: IncomingPush,
  commits: readonly string[],
  signal: AbortSignal,
): Promise<Breach[]> {
  return [...(await unverifiedCommits(push, commits, signal))].map(([commit, status]) => ({
    commit,
    message: `commit ${commit.slice(0, 7)} ${SIGNATURES[status] ?? OTHER_SIGNATURE}`,
    kind: status === 'N' ? 'unsigned' : 'signature',
  }))
}

function refusals(push: IncomingPush, introduced: NewObjects, breaches: readonly Breach[]): Refusal[] {
  const refused = refusedRefs(push, introduced, groupByRef(push, introduced, breaches))
  return refused.map(({ refusedRef, group }) => ({
    ref: refusedRef.ref,
    reason: `${group[0]?.message}${group.length > 1 ? ` and ${group.length - 1} more` : ''}`,
    detail: [
      ...group.slice(0, MAX_SHOWN).map(({ message }) => message),
      ...(group.length > MAX_SHOWN ? [`… and ${group.length - MAX_SHOWN} more`] : []),
    ],
    remedy: identitySteps(refusedRef, group, push.pass),
  }))
}
