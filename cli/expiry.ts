import { localTime } from './output.ts'
import { pointInTime, TIMES } from './point-in-time.ts'

/** When something is to end, as an operator says it; without a word it does not. */
export const endAt = (when: string | undefined): string | null =>
  when === undefined ? null : pointInTime(when, 'ahead')

/** The option that says so of a token. */
export const EXPIRES = ['--expires <when>', `when it ends: ${TIMES}`] as const

/** When something ends, or ended, as a table shows it. */
export const toldEnd = (revokedAt: string | null, end: string | null): string =>
  revokedAt ? `revoked ${localTime(revokedAt)}` : localTime(end) || 'never'
