import { Problem } from './problem.ts'

/** RFC 3339 has four digits for the year. */
const MAX_TIME_MS = Date.parse('9999-12-31T23:59:59Z')

/** Throws a 400 when an expiry is in the past or after the year 9999; null never expires. */
export function assertFuture(field: string, time: string | null): void {
  if (time !== null && Date.parse(time) <= Date.now())
    throw new Problem(
      400,
      'bad-request',
      `${field}: ${time} is in the past`,
      'Give a time in the future, or null for no expiry',
    )
  if (time !== null && Date.parse(time) > MAX_TIME_MS)
    throw new Problem(
      400,
      'bad-request',
      `${field}: ${time} is after the year 9999`,
      'Give an earlier time, or null for no expiry',
    )
}
