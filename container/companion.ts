import type { Check } from './checks/index.ts'
import type { SharedResponses } from './fetch/shared-responses.ts'
import type { EarlySessions } from './forward/early-sessions.ts'
import type { HeldPushes } from './held/held-pushes.ts'
import type { WatchedJournal } from './journal/unreported.ts'
import type { Lfs } from './lfs/index.ts'
import type { Mirrors } from './mirror/mirrors.ts'
import type { MirrorSeed } from './mirror/seed.ts'
import type { MemoryBudget } from './process/memory-budget.ts'
import type { Permissions } from './push/permission.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { Settings } from './settings.ts'
import type { Credentials } from './upstream/https/credentials.ts'
import type { Links } from './upstream/links.ts'

/** The shared parts of the companion that its requests use. */
export interface Companion {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly memory: MemoryBudget
  readonly mirrors: Mirrors
  readonly mirrorSeed: MirrorSeed
  /** Responses to fetches that several clients share. */
  readonly sharedResponses: SharedResponses
  readonly links: Links
  readonly earlySessions: EarlySessions
  readonly journal: WatchedJournal
  /** The objects of refused pushes. */
  readonly held: HeldPushes
  readonly checks: readonly Check[]
  readonly lfs: Lfs
  /** The checked pushes that wait for the Worker's permission. */
  readonly permissions: Permissions
  readonly identities: string
  readonly credentials: Credentials
  /** Resolves when the open pushes of an earlier companion are settled. */
  readonly recovered: Promise<void>
}
