import { EventEmitter, once } from 'node:events'
import type { Journal } from './journal.ts'

/** A journal that knows which outcomes it has not been asked for since they were written. */
export interface WatchedJournal extends Journal {
  /** Resolves when it has been asked for all of them, or after `withinMs`. */
  allTold(withinMs: number): Promise<void>
}

/** Watches a journal: where the disk goes with the process, an outcome that nobody asked for would be lost. */
export function watchUntold(journal: Journal): WatchedJournal {
  const untold = new Set<string>()
  const watched = new EventEmitter()
  return {
    ...journal,
    async write(entry) {
      // Beforehand: it can be asked for while it is written, and also when it could not be.
      if (entry.report.outcome !== 'open') untold.add(entry.report.id)
      await journal.write(entry)
    },
    async read(id) {
      const entry = await journal.read(id)
      if (!entry || entry.report.outcome === 'open') return entry
      if (untold.delete(entry.report.id) && untold.size === 0) watched.emit('told')
      return entry
    },
    async allTold(withinMs) {
      if (untold.size === 0) return
      await once(watched, 'told', { signal: AbortSignal.timeout(withinMs) }).catch(() => {})
    },
  }
}
