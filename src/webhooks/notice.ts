import type { PushRecord } from '../contract/admin-api/pushes.ts'
import type { Finding } from '../contract/outcome.ts'

/** A line of a notice. Its text may come from the push, and is untrusted. */
export interface Fact {
  readonly label: string
  readonly text: string
}

/** A message to people about a push that needs their attention. */
export interface Notice {
  readonly kind: 'approval' | 'exception' | 'secret' | 'forward' | 'fault'
  readonly title: string
  readonly repository: string
  /** Tells notices of the same kind and repository apart. */
  readonly subject: readonly string[]
  readonly facts: readonly Fact[]
  /** The URL of the page that it is about; its path where the gate does not know its own URL. */
  readonly page: string
}

const MAX_REFS = 3
const MAX_DETAILS = 5

/** Returns the notice about a push, or undefined for a push that needs no attention. */
export function noticeOf(
  push: PushRecord,
  pages: { readonly approval: string; readonly push: string },
): Notice | undefined {
  const about = aboutOf(push)
  if (about === undefined) return undefined
  const { details, ...rest } = about
  return {
    ...rest,
    repository: push.repository,
    facts: [
      { label: 'Repository', text: push.repository },
      { label: 'Agent', text: push.agent },
      ...firstOf(
        push.refs.map(({ ref }) => ({ label: 'Ref', text: ref })),
        MAX_REFS,
      ),
      ...firstOf(details, MAX_DETAILS),
    ],
    page: rest.kind === 'approval' ? pages.approval : pages.push,
  }
}

type About = Pick<Notice, 'kind' | 'title' | 'subject'> & { readonly details: readonly Fact[] }

function aboutOf({
  id,
  outcome,
  step,
  approval,
  findings,
  refs,
  remoteLines,
}: PushRecord): About | undefined {
  if (outcome === 'failed') {
    const reason = refs.find(ref => ref.reason !== '')?.reason ?? remoteLines[0] ?? ''
    const details = [{ label: 'Reason', text: reason }]
    return step === 'forwarding'
      ? { kind: 'forward', title: 'A push could not be forwarded to upstream', subject: [], details }
      : { kind: 'fault', title: 'A push failed because of an error in the gate', subject: [], details }
  }
  if (outcome !== 'refused') return undefined
  // A later push of the same change has a page of its own, and the earlier page no longer decides.
  if (approval)
    return {
      kind: 'approval',
      title: 'A push waits for your approval',
      subject: [id],
      details: approval.asks.map(text => ({ label: 'Needs an approval', text })),
    }
  const requested = findings.filter(finding => finding.asksForException)
  if (requested.length > 0)
    return {
      kind: 'exception',
      title: 'A finding waits for your decision',
      subject: fingerprintsOf(requested),
      details: requested.flatMap(finding => [
        factOf(finding),
        ...(finding.request === undefined ? [] : [{ label: "Agent's reason", text: finding.request }]),
      ]),
    }
  if (findings.length === 0) return undefined
  return {
    kind: 'secret',
    title: 'A secret was found in a push, which was refused',
    subject: fingerprintsOf(findings),
    details: findings.map(factOf),
  }
}

const factOf = ({ rule, path, line }: Finding): Fact => ({
  label: 'Finding',
  text: `${rule} in ${path}, line ${line}`,
})

const fingerprintsOf = (findings: readonly Finding[]): string[] =>
  [...new Set(findings.map(({ fingerprint }) => fingerprint))].sort()

const firstOf = (facts: readonly Fact[], max: number): readonly Fact[] =>
  facts.length <= max ? facts : [...facts.slice(0, max), { label: 'More', text: String(facts.length - max) }]

/** Returns a hash of what a notice is about. Two notices of the same thing have the same. */
export async function hashOf({ kind, repository, subject }: Notice): Promise<string> {
  const text = JSON.stringify([kind, repository.toLowerCase(), ...subject])
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(hash), byte => byte.toString(16).padStart(2, '0')).join('')
}
