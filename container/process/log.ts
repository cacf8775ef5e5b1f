import { withoutTokens } from '../../src/contract/text/unscanned-text.ts'

/** The advice to an agent after a fault of the gate. */
export const GATE_FAULT_ADVICE: readonly string[] = [
  "this is the gate's fault, not the push's: push again; if it stays, tell the operator",
]

/** Describes an unexpected error to the agent in a few words. The log has the whole error. */
export function describeError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'its disk is full'
  return 'an error of its own'
}

/**
 * Logs an error. `push` is the id of the affected push, or empty. Removes tokens, since an error may quote a
 * client's bytes.
 */
export function logError(push: string, error: unknown): void {
  const message = withoutTokens((error instanceof Error && error.stack) || String(error))
  console.error(JSON.stringify({ level: 'error', ...(push ? { push } : {}), message }))
}
