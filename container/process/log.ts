import { withoutTokens } from '../../src/contract/unscanned-text.ts'

/** What an agent does about a fault of the gate's. */
export const GATE_FAULT_ADVICE: readonly string[] = [
  "this is the gate's fault, not the push's: push again; if it stays, tell the operator",
]

/** An error that nobody decides about, in a word for the agent; the whole of it is logged. */
export function describeError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'its disk is full'
  return 'an error of its own'
}

/** `push`: the one that it befell; empty: none. An error may quote what a client sent. */
export function logError(push: string, error: unknown): void {
  const message = withoutTokens((error instanceof Error && error.stack) || String(error))
  console.error(JSON.stringify({ level: 'error', ...(push ? { push } : {}), message }))
}
