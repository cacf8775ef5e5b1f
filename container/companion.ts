import type { Check } from './checks/index.ts'
import type { HeadStart } from './head-start.ts'
import type { Journal } from './journal.ts'
import type { Mirrors } from './mirrors.ts'
import type { Sessions } from './session.ts'
import type { Settings } from './settings.ts'
import type { Links } from './upstream.ts'

/** Everything the companion's requests work with. */
export interface Companion {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly mirrors: Mirrors
  readonly headStart: HeadStart
  readonly links: Links
  readonly journal: Journal
  readonly checks: readonly Check[]
  readonly identities: string
  /** Resolves when what an earlier life left open is settled. */
  readonly recovered: Promise<void>
}
