import { EventEmitter, once } from 'node:events'
import type { Journal } from './journal.ts'

/** Journal that tracks which outcomes have not reached the Worker since they were written. */
export interface WatchedJournal extends Journal {
  /** Marks the outcome of a push as delivered with its answer. */
  delivered(id: string): void
  /** Resolves when the Worker has every outcome, or after `withinMs` milliseconds. */
  allReported(withinMs: number): Promise<void>
}

/**
 * Tracks undelivered outcomes: a container's disk is lost when the process exits, and undelivered outcomes
 * with it.
 */
export function trackUnreported(journal: Journal): WatchedJournal {
  const unreported = new Set<string>()
  const watched = new EventEmitter()
  const delivered = (id: string) => {
    if (unreported.delete(id) && unreported.size === 0) watched.emit('reported')
  }
  return {
    ...journal,
    delivered,
    async write(entry) {
      // Marked before the write, since the Worker can ask while it runs, and also after it failed.
      if (entry.report.outcome !== 'open') unreported.add(entry.report.id)
      await journal.write(entry)
    },
    async read(id) {
      const entry = await journal.read(id)
      if (!entry || entry.report.outcome === 'open') return entry
      delivered(entry.report.id)
      return entry
    },
    async allReported(withinMs) {
      if (unreported.size === 0) return
      await once(watched, 'reported', { signal: AbortSignal.timeout(withinMs) }).catch(() => {})
    },
  }
}
