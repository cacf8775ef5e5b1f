const PROTOCOL = /^version=[012]$/

/** Returns a protocol version that git's own clients send, or undefined. */
export const gitProtocol = (header: unknown): string | undefined =>
  typeof header === 'string' && PROTOCOL.test(header) ? header : undefined
