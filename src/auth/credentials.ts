/**
 * Parses an Authorization header: `Basic` with the agent's name as user and the token as password (RFC 7617),
 * or `Bearer` with the token (RFC 6750).
 */
export function credentials(
  header: string | undefined,
): { user: string | undefined; token: string } | undefined {
  const [, scheme, value] = /^(Basic|Bearer) +(\S+)$/i.exec(header ?? '') ?? []
  if (!scheme || !value) return undefined
  if (scheme.toLowerCase() === 'bearer') return { user: undefined, token: value }
  try {
    const text = atob(value)
    const colon = text.indexOf(':')
    return colon < 0 ? undefined : { user: text.slice(0, colon), token: text.slice(colon + 1) }
  } catch {
    return undefined
  }
}
