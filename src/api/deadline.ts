import { Problem } from './problem.ts'

/** Throws a 400 when a time that should be in the future is not. */
export function mustBeAhead(field: string, time: string | null): void {
  if (time !== null && Date.parse(time) <= Date.now())
    throw new Problem(
      400,
      'bad-request',
      `${field}: ${time} has passed`,
      'Give a time in the future, or null for none',
    )
}
