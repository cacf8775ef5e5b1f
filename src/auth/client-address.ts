import ipaddr from 'ipaddr.js'
import { hasTrustedProxy, settingsOf } from '../common/settings.ts'

/**
 * Cloudflare's edge sets this header, or a configured proxy. A local workerd passes on the client's own
 * value.
 */
const HEADER = 'cf-connecting-ip'

/** Returns the client's IP address in canonical form, or an empty string without a trusted proxy. */
export function clientAddress(env: Env, request: Request): string {
  const header = hasTrustedProxy(settingsOf(env)) ? request.headers.get(HEADER) : null
  return header === null ? '' : (parse(header)?.toString() ?? '')
}

/**
 * Returns the key of an address for rate limits. For IPv6 it is the /64 network, which one client controls as
 * a whole.
 */
export function addressGroup(address: string): string {
  const parsed = address === '' ? undefined : parse(address)
  if (!parsed) return 'unknown'
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  return `${parsed.parts
    .slice(0, 4)
    .map(part => part.toString(16))
    .join(':')}::/64`
}

/** Parses the usual notation only. Rejects `127.1`, and IPv6 zones, which are free text. */
function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const isAddress =
    ipaddr.IPv4.isValidFourPartDecimal(text) || (!text.includes('%') && ipaddr.IPv6.isValid(text))
  return isAddress ? ipaddr.process(text) : undefined
}
