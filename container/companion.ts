import type { Check } from './checks/index.ts'
import type { WatchedJournal } from './journal/unreported.ts'
import type { Mirrors } from './mirror/mirrors.ts'
import type { MirrorSeed } from './mirror/seed.ts'
import type { MemoryBudget } from './process/memory-budget.ts'
import type { Permissions } from './push/permission.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { Settings } from './settings.ts'
import type { Links } from './upstream/ssh-link.ts'

/** Everything the companion's requests work with. */
export interface Companion {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly memory: MemoryBudget
  readonly mirrors: Mirrors
  readonly mirrorSeed: MirrorSeed
  readonly links: Links
  readonly journal: WatchedJournal
  readonly checks: readonly Check[]
  /** The pushes that wait for the Worker's word. */
  readonly permissions: Permissions
  readonly identities: string
  /** Resolves when what an earlier life left open is settled. */
  readonly recovered: Promise<void>
}
