import type { Check } from './checks/index.ts'
import type { Journal } from './journal/journal.ts'
import type { Mirrors } from './mirror/mirrors.ts'
import type { HeadStart } from './mirror/seed.ts'
import type { MemoryBudget } from './process/memory-budget.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { Settings } from './settings.ts'
import type { Links } from './upstream/ssh-link.ts'

/** Everything the companion's requests work with. */
export interface Companion {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly memory: MemoryBudget
  readonly mirrors: Mirrors
  readonly headStart: HeadStart
  readonly links: Links
  readonly journal: Journal
  readonly checks: readonly Check[]
  readonly identities: string
  /** Resolves when what an earlier life left open is settled. */
  readonly recovered: Promise<void>
}
