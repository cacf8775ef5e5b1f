type Revocable = { readonly revokedAt: string | null } & (
  | { readonly expiresAt: string | null }
  | { readonly until: string | null }
)

/** Returns whether a token or an exception is neither revoked nor expired. */
export function isActive(granted: Revocable): boolean {
  const expiry = 'until' in granted ? granted.until : granted.expiresAt
  return granted.revokedAt === null && (expiry === null || Date.parse(expiry) > Date.now())
}
