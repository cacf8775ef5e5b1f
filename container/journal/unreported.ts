import { EventEmitter, once } from 'node:events'
import type { Journal } from './journal.ts'

/** A journal that knows which outcomes have not reached the Worker since they were written. */
export interface WatchedJournal extends Journal {
  /** The outcome of a push has left with its answer. */
  delivered(id: string): void
  /** Resolves when all of them have been asked for or delivered, or after `withinMs`. */
  allReported(withinMs: number): Promise<void>
}

/** Watches a journal: where the disk goes with the process, an outcome that nobody asked for would be lost. */
export function trackUnreported(journal: Journal): WatchedJournal {
  const untold = new Set<string>()
  const watched = new EventEmitter()
  const delivered = (id: string) => {
    if (untold.delete(id) && untold.size === 0) watched.emit('told')
  }
  return {
    ...journal,
    delivered,
    async write(entry) {
      // Beforehand: it can be asked for while it is written, and also when it could not be.
      if (entry.report.outcome !== 'open') untold.add(entry.report.id)
      await journal.write(entry)
    },
    async read(id) {
      const entry = await journal.read(id)
      if (!entry || entry.report.outcome === 'open') return entry
      delivered(entry.report.id)
      return entry
    },
    async allReported(withinMs) {
      if (untold.size === 0) return
      await once(watched, 'told', { signal: AbortSignal.timeout(withinMs) }).catch(() => {})
    },
  }
}
