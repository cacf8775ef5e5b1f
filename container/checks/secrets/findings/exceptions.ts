import type { Exception } from '../../../../src/contract/companion-api/pass.ts'

/** Returns the exception for a fingerprint that is valid at `now`, in Unix milliseconds. */
export function exceptionFor(
  fingerprint: string,
  exceptions: readonly Exception[],
  now: number,
): Exception | undefined {
  return exceptions.find(
    exception => exception.fingerprint === fingerprint && (exception.until === null || exception.until > now),
  )
}
