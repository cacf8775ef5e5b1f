import { withoutTokens } from '../../src/contract/text/unscanned-text.ts'

/**
 * Logs an error. `push` is the id of the affected push, or empty. Removes tokens, since an error may quote a
 * client's bytes.
 */
export function logError(push: string, error: unknown): void {
  const message = withoutTokens((error instanceof Error && error.stack) || String(error))
  console.error(JSON.stringify({ level: 'error', ...(push ? { push } : {}), message }))
}
