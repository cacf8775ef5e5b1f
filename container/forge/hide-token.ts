/**
 * Puts asterisks in the place of a credential's token. Each answer of a host passes here: an operator's token may have
 * no shape by which `withoutTokens` would know it.
 */
export const hideToken = (text: string, token: string): string =>
  text.replaceAll(token, '*'.repeat(token.length))

/** Does so in JSON, which escapes characters that a token may have. */
export const hideTokenInJson = (json: string, token: string): string =>
  hideToken(json, JSON.stringify(token).slice(1, -1))
