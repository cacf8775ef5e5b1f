import { Problem } from './problem.ts'

/** Times are written with four digits for the year (RFC 3339). */
const LAST_MS = Date.parse('9999-12-31T23:59:59Z')

/** Throws a 400 when a time that should be in the future is not, or is further away than can be written. */
export function mustBeAhead(field: string, time: string | null): void {
  if (time !== null && Date.parse(time) <= Date.now())
    throw new Problem(
      400,
      'bad-request',
      `${field}: ${time} has passed`,
      'Give a time in the future, or null for none',
    )
  if (time !== null && Date.parse(time) > LAST_MS)
    throw new Problem(400, 'bad-request', `${field}: ${time} is too far away`, 'Give null for no end')
}
