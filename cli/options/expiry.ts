import { localTime } from '../output.ts'
import { parseTime, TIME_FORMATS } from './point-in-time.ts'

/** Parses the value of an expiry option; null without one, and for `never`. */
export const parseExpiry = (when: string | undefined): string | null =>
  when === undefined || when === 'never' ? null : parseTime(when, 'ahead')

/** The expiry option of the commands that mint tokens. */
export const EXPIRES_OPTION = [
  '--expires <when>',
  `when the token expires: ${TIME_FORMATS}, or never`,
  '90d',
] as const

/** Formats an expiry or a revocation for a table. */
export const formatExpiry = (revokedAt: string | null, expiresAt: string | null): string =>
  revokedAt ? `revoked ${localTime(revokedAt)}` : localTime(expiresAt) || 'never'
