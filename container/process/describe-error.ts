/** Describes an unexpected error to the agent in a few words. The log has the whole error. */
export function describeError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'its disk is full'
  return 'an error of its own'
}
