import type { Row } from '../row.ts'
import { smallPush } from './small-push.ts'

/** Every row of the table, in its order. */
export const rows: readonly Row[] = [smallPush]
