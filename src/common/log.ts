import { withoutLikelySecrets, withoutTokens } from '../contract/text/unscanned-text.ts'

/** Logs an error as one line of JSON, with the push's id or the request's path. Tokens are redacted. */
export function logError(subject: { push: string } | { at: string }, error: unknown): void {
  const message = withoutTokens(error instanceof Error ? error.message : String(error))
  const fields =
    'at' in subject ? { at: withoutLikelySecrets(subject.at.slice(0, 1000)).slice(0, 200) } : subject
  console.error(JSON.stringify({ level: 'error', ...fields, message }))
}
