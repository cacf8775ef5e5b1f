/** The LFS objects that the scan has refused, so that a push which names one can say why. */
export interface RefusedObjects {
  add(repository: string, oid: string, reason: string): void
  remove(repository: string, oid: string): void
  /** Returns the reason in one line. */
  reason(repository: string, oid: string): string | undefined
}

/** The most objects that are remembered. The scan itself does not depend on them. */
const MAX = 10_000

export function createRefusedObjects(): RefusedObjects {
  const reasons = new Map<string, string>()
  const key = (repository: string, oid: string) => `${repository} ${oid}`
  return {
    add(repository, oid, reason) {
      reasons.delete(key(repository, oid))
      reasons.set(key(repository, oid), reason.split('\n')[0] ?? '')
      for (const oldest of reasons.keys()) {
        if (reasons.size <= MAX) break
        reasons.delete(oldest)
      }
    },
    remove: (repository, oid) => void reasons.delete(key(repository, oid)),
    reason: (repository, oid) => reasons.get(key(repository, oid)),
  }
}
