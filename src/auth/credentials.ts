/** Returns the Authorization header of a request, or its equal of a client that uses GitLab's own header. */
export function authorizationOf({ headers }: Request): string | undefined {
  const token = headers.get('private-token')
  return headers.get('authorization') ?? (token === null ? undefined : `Bearer ${token}`)
}

/**
 * Parses an Authorization header: `Basic` with the token as password (RFC 7617), or `Bearer` with the token
 * (RFC 6750), which GitHub's clients call `token`. Clients of hosts also send the token as the user name, with
 * `x-oauth-basic` or nothing as password. git-lfs sends the header of the action and that of the configuration
 * (`http.extraHeader`), and adds the latter again with each attempt to verify an upload; Workers join equal names with a
 * comma (Fetch standard, "get").
 */
export function credentials(
  header: string | undefined,
): { user: string | undefined; token: string } | undefined {
  const [, scheme, value] = /^(Basic|Bearer|token) +(\S+)$/i.exec(withoutRepeats(header ?? '')) ?? []
  if (!scheme || !value) return undefined
  if (scheme.toLowerCase() !== 'basic') return { user: undefined, token: value }
  try {
    const text = atob(value)
    const colon = text.indexOf(':')
    if (colon < 0) return undefined
    const [user, password] = [text.slice(0, colon), text.slice(colon + 1)]
    return password === '' || password === 'x-oauth-basic'
      ? { user: undefined, token: user }
      : { user, token: password }
  } catch {
    return undefined
  }
}

/** Returns the value once where the header repeats it. */
function withoutRepeats(header: string): string {
  const [first = '', ...others] = header.split(', ')
  return others.every(other => other === first) ? first : header
}
