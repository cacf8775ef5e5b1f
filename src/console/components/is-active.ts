type Granted = { readonly revokedAt: string | null } & (
  | { readonly expiresAt: string | null }
  | { readonly until: string | null }
)

/** Does it still hold: a token, or an exception? */
export function holdsNow(granted: Granted): boolean {
  const end = 'until' in granted ? granted.until : granted.expiresAt
  return granted.revokedAt === null && (end === null || Date.parse(end) > Date.now())
}
