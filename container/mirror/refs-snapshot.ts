/**
 * Tells whether the refs of a mirror are still the same. A snapshot is an AbortSignal: it aborts as soon as a
 * ref may change, and it is never valid again after that.
 */
export interface RefsSnapshots {
  /** The snapshot of the present refs. Undefined while refs may be changing. */
  current(): AbortSignal | undefined
  /** Runs work that may change refs. */
  change<T>(work: () => Promise<T>): Promise<T>
}

export function createRefsSnapshots(): RefsSnapshots {
  let changes = 0
  let snapshot = new AbortController()
  return {
    current: () => (changes === 0 ? snapshot.signal : undefined),
    async change(work) {
      changes += 1
      snapshot.abort()
      try {
        return await work()
      } finally {
        changes -= 1
        snapshot = new AbortController()
      }
    },
  }
}
