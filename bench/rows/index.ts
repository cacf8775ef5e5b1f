import type { Row } from '../row.ts'
import { agentsAtOnce } from './agents-at-once.ts'
import { consolePages } from './console.ts'
import { growth } from './growth.ts'
import { largePush } from './large-push.ts'
import { lfs } from './lfs.ts'
import { lfsMemory } from './lfs-memory.ts'
import { memory } from './memory.ts'
import { pushCost } from './push-cost.ts'
import { clone } from './reads/clone.ts'
import { clonesAtOnce } from './reads/clones-at-once.ts'
import { fetchOne } from './reads/fetch.ts'
import { lsRemote } from './reads/ls-remote.ts'
import { refreshes } from './reads/refreshes.ts'
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
