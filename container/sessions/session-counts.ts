import type { Counts, Scanned } from '../../src/contract/companion-api/status.ts'
import type { DisconnectReason, Outcome } from '../../src/contract/outcome.ts'

/**
 * The end of a session. `served`: a fetch; `probe`: a push without commands, with which git begins a long one; `busy`: too many
 * sessions at once.
 */
export interface SessionEnd {
  readonly outcome: Exclude<Outcome, 'open'> | 'served' | 'probe' | 'busy'
  /** The reason for a disconnect before the session's end. */
  readonly disconnectReason?: DisconnectReason | undefined
  /** The amount of text that a push passed to gitleaks. */
  readonly scanned?: Scanned
}

/** Returns the end of a fetch: abandoned after a disconnect, otherwise served. */
export const sessionEndOf = (disconnectReason: DisconnectReason | undefined): SessionEnd =>
  disconnectReason ? { outcome: 'abandoned', disconnectReason } : { outcome: 'served' }

export type SessionCounts = Omit<Counts, 'refreshes'>

/** Counts the ended sessions of every repository. */
export function sessionCounts() {
  const counts = new Map<string, SessionCounts>()
  const countsOf = (repository: string): SessionCounts =>
    counts.get(repository) ?? {
      sessions: {},
      disconnects: {},
      scanned: { bytes: 0, objects: 0, gitleaks: 0 },
    }
  return {
    of: countsOf,
    add(repository: string, service: string, { outcome, disconnectReason, scanned }: SessionEnd): void {
      const repositoryCounts = countsOf(repository)
      counts.set(repository, repositoryCounts)
      repositoryCounts.sessions[service] = increment(repositoryCounts.sessions[service] ?? {}, outcome)
      if (disconnectReason)
        repositoryCounts.disconnects = increment(repositoryCounts.disconnects, disconnectReason)
      if (scanned)
        repositoryCounts.scanned = {
          bytes: repositoryCounts.scanned.bytes + scanned.bytes,
          objects: repositoryCounts.scanned.objects + scanned.objects,
          gitleaks: repositoryCounts.scanned.gitleaks + scanned.gitleaks,
        }
    },
  }
}

const increment = (counted: Readonly<Record<string, number>>, name: string) => ({
  ...counted,
  [name]: (counted[name] ?? 0) + 1,
})
