import type { Row } from '../row.ts'
import { agentsAtOnce } from './agents-at-once.ts'
import { clone } from './clone.ts'
import { clonesAtOnce } from './clones-at-once.ts'
import { consolePages } from './console.ts'
import { fetchOne } from './fetch.ts'
import { growth } from './growth.ts'
import { largePush } from './large-push.ts'
import { lfs } from './lfs.ts'
import { lfsMemory } from './lfs-memory.ts'
import { lsRemote } from './ls-remote.ts'
import { memory } from './memory.ts'
import { pushCost } from './push-cost.ts'
import { refreshes } from './refreshes.ts'
import { refusal } from './refusal.ts'
import { smallPush } from './small-push.ts'
import { steadyPushes } from './steady-pushes.ts'

/** Every row, in the order of the table. */
export const rows: readonly Row[] = [
  clone,
  clonesAtOnce,
  lsRemote,
  fetchOne,
  smallPush,
  pushCost,
  largePush,
  refusal,
  agentsAtOnce,
  steadyPushes,
  refreshes,
  growth,
  memory,
  ...lfs,
  lfsMemory,
  consolePages,
]
