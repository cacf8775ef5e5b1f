import type { DisconnectReason, Outcome } from '../../src/contract/outcome.ts'
import type { Counts, Scanned } from '../../src/contract/status.ts'

/** How a session ended. A fetch is `served`; a request that asked for nothing is `empty`; too many at once are `busy`. */
export interface SessionEnd {
  readonly outcome: Exclude<Outcome, 'open'> | 'served' | 'empty' | 'busy'
  /** It was let go before its end. */
  readonly reaped?: DisconnectReason | undefined
  /** What a push gave to gitleaks. */
  readonly scanned?: Scanned
}

/** What came of a session whose client was, or was not, let go. */
export const endedBy = (reaped: DisconnectReason | undefined): SessionEnd =>
  reaped ? { outcome: 'abandoned', reaped } : { outcome: 'served' }

export type SessionCounts = Omit<Counts, 'refreshes'>

/** The sessions of every repository that have ended, in numbers. */
export function sessionCounts() {
  const counts = new Map<string, SessionCounts>()
  const of = (repository: string): SessionCounts =>
    counts.get(repository) ?? { sessions: {}, reaped: {}, scanned: { bytes: 0, objects: 0, gitleaks: 0 } }
  return {
    of,
    add(repository: string, service: string, { outcome, reaped, scanned }: SessionEnd): void {
      const known = of(repository)
      counts.set(repository, known)
      known.sessions[service] = oneMore(known.sessions[service] ?? {}, outcome)
      if (reaped) known.reaped = oneMore(known.reaped, reaped)
      if (scanned)
        known.scanned = {
          bytes: known.scanned.bytes + scanned.bytes,
          objects: known.scanned.objects + scanned.objects,
          gitleaks: known.scanned.gitleaks + scanned.gitleaks,
        }
    },
  }
}

const oneMore = (counted: Readonly<Record<string, number>>, name: string) => ({
  ...counted,
  [name]: (counted[name] ?? 0) + 1,
})
