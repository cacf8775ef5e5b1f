import { hashToken } from './token-format.ts'

/** Marks a sign-in as used until `expiresAt` (Unix milliseconds). Returns false if it was used before. */
export async function useSignIn(ledger: D1Database, state: string, expiresAt: number): Promise<boolean> {
  const [, inserted] = await ledger.batch([
    ledger.prepare('DELETE FROM used_sign_ins WHERE expires_at < ?').bind(Date.now()),
    ledger
      .prepare('INSERT INTO used_sign_ins (state_hash, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING')
      .bind(await hashToken(state), expiresAt),
  ])
  return (inserted?.meta.changes ?? 0) > 0
}
