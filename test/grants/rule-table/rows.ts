import { creates } from './creates.ts'
import { deletes } from './deletes.ts'
import { forces } from './forces.ts'
import { mixed } from './mixed.ts'
import { patterns } from './patterns.ts'
import type { Row } from './row.ts'
import { tags } from './tags.ts'
import { updates } from './updates.ts'

/** Rules and pushes; a real git tries each. */
export const rows: readonly Row[] = [
  ...creates,
  ...updates,
  ...forces,
  ...deletes,
  ...tags,
  ...patterns,
  ...mixed,
]
