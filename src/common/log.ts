import { withoutLikelySecrets, withoutTokens } from '../contract/unscanned-text.ts'

/** What went wrong without anyone having to be told, into the log: of which push, or at what. */
export function logFault(of: { push: string } | { at: string }, error: unknown): void {
  const message = withoutTokens(error instanceof Error ? error.message : String(error))
  const told = 'at' in of ? { at: withoutLikelySecrets(of.at.slice(0, 1000)).slice(0, 200) } : of
  console.error(JSON.stringify({ level: 'error', ...told, message }))
}
