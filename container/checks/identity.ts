import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compileGlob } from '../../src/contract/glob.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import { type Check, GateFault, type IncomingPush } from './check.ts'
import { type Introduced, introducedBy } from './introduced.ts'
import { defaultLimits, type Limits, OverLimit } from './limits.ts'
import { refsWith } from './refs-with.ts'
import { printable } from './secrets/redact.ts'

interface Signer {
  readonly commit: string
  readonly author: string
  readonly committer: string
  /** Git's one letter: G good, N none, B bad, U unknown or untrusted, X and Y expired, R revoked, E cannot tell. */
  readonly signature: string
}

const SIGNATURES: Readonly<Record<string, string>> = {
  N: 'is not signed',
  B: 'has a bad signature',
  U: 'is signed by a key that is not among the allowed signers',
  X: 'has an expired signature',
  Y: 'is signed by an expired key',
  R: 'is signed by a revoked key',
  E: 'has a signature that cannot be checked here',
}

const SHOWN = 5

/**
 * Who made the new commits: author's and committer's e-mail addresses against the grant's globs, and signatures
 * against its allowed signers, by git's own verification (gpg.ssh.allowedSignersFile in git-config(1)). Signatures are
 * SSH's: `allowedSigners` is an allowed-signers file, and a commit signed with GPG does not verify against it.
 */
export function identity(settings: { readonly maxBlobBytes: number } & Partial<Limits>): Check {
  const limits: Limits = { ...defaultLimits, ...settings }
  return {
    name: 'identity',
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
      const signers = await signersOf(push, introduced, signal).catch((error: unknown) => {
        throw new GateFault('the gate could not check who made the commits of this push', { cause: error })
      })
      return refusals(push, introduced, signers)
    },
  }
}

async function signersOf(push: IncomingPush, introduced: Introduced, signal: AbortSignal): Promise<Signer[]> {
  const { allowedSigners } = push.pass.terms
  const config: string[] = []
  if (allowedSigners !== '') {
    const file = join(push.scratch, 'allowed-signers')
    await writeFile(file, `${allowedSigners}\n`, { mode: 0o600 })
    config.push('-c', `gpg.ssh.allowedSignersFile=${file}`)
  }
  // %G? makes git verify each commit, so it is asked for only where the answer matters.
  const format = `--format=%H%x00%ae%x00%ce%x00${allowedSigners === '' ? '-' : '%G?'}`
  const text = await push.git.text(
    [
      ...config,
      'log',
      '--no-walk=unsorted',
      '--stdin',
      '--no-mailmap',
      '--no-show-signature',
      '--encoding=UTF-8',
      format,
    ],
    { signal, input: `${[...introduced.commits.keys()].join('\n')}\n` },
  )
  const signers = text.split('\n').flatMap(line => {
    if (line === '') return []
    const [commit, author, committer, signature, ...more] = line.split('\0')
    if (!commit || author === undefined || committer === undefined || !signature || more.length)
      throw new Error('git log cannot be read')
    return [{ commit, author, committer, signature }]
  })
  if (
    signers.length !== introduced.commits.size ||
    signers.some(({ commit }) => !introduced.commits.has(commit))
  )
    throw new Error(`git log speaks of ${signers.length} of ${introduced.commits.size} commits`)
  return signers
}

function refusals(push: IncomingPush, introduced: Introduced, signers: readonly Signer[]): Refusal[] {
  const { emails, allowedSigners } = push.pass.terms
  const patterns = emails.map(compileGlob)
  const allowed = (email: string) => patterns.length === 0 || patterns.some(pattern => pattern.test(email))
  const breaches = signers.flatMap(({ commit, author, committer, signature }) => {
    const short = commit.slice(0, 7)
    const wrong = [
      ...(allowed(author) ? [] : [`commit ${short}: author ${printable(author, 80)}`]),
      ...(allowed(committer) ? [] : [`commit ${short}: committer ${printable(committer, 80)}`]),
    ]
    const unsigned =
      allowedSigners !== '' && signature !== 'G'
        ? [`commit ${short} ${SIGNATURES[signature] ?? SIGNATURES.E}`]
        : []
    return [
      ...wrong.map(what => ({ commit, what, kind: 'email' })),
      ...unsigned.map(what => ({ commit, what, kind: 'signature' })),
    ]
  })
  const byRef = new Map<string, typeof breaches>()
  for (const breach of breaches)
    for (const ref of refsWith(push, introduced, breach.commit))
      byRef.set(ref, [...(byRef.get(ref) ?? []), breach])
  return [...byRef].map(([ref, of]) => ({
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
            'Every new commit must be signed with an SSH key that the gate was told of. To sign those that are not pushed yet:',
            "  git config gpg.format ssh && git config user.signingKey '<public key file>'",
            '  git rebase --force-rebase --gpg-sign @{upstream}',
          ]
        : []),
    ],
  }))
}
