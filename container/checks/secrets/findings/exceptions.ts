import type { Exception } from '../../../../src/contract/pass.ts'

/** The exception that lets a finding pass now, if an operator has granted one. `now` is in Unix milliseconds. */
export function exceptionFor(
  fingerprint: string,
  exceptions: readonly Exception[],
  now: number,
): Exception | undefined {
  return exceptions.find(
    each => each.fingerprint === fingerprint && (each.until === null || each.until > now),
  )
}
