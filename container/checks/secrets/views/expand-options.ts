import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { Budget } from '../bytes/budget.ts'
import type { Source } from '../bytes/byte-source.ts'
import type { VisitedTexts } from '../bytes/visited-texts.ts'
import type { Nesting, View } from './view.ts'

export interface ViewOptions {
  readonly path: string
  /** A folder for temporary files. */
  readonly folder: string
  readonly budget: Budget
  readonly signal: AbortSignal
  /** The line of the file that the source begins in, by default 1. */
  readonly firstLine?: number
  /** Leaves archives and compressed streams closed. */
  readonly skipsArchives?: boolean
}

/** The work on one file, for each of its sources. */
export interface ExpandOptions extends ViewOptions {
  readonly visited: VisitedTexts
  /** Yields the views of a source that was decoded or unpacked. */
  readonly expand: (source: Source, nesting: Nesting, options: ExpandOptions) => AsyncGenerator<View>
}

/** Yields the thread when its share of time is used, and stops when the scan is cancelled. */
export async function yieldIfDue({ budget, signal }: ViewOptions): Promise<void> {
  if (budget.shouldYield()) await yieldToEventLoop()
  signal.throwIfAborted()
}
