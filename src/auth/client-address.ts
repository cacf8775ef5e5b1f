import ipaddr from 'ipaddr.js'
import { hasTrustedProxy, settingsOf } from '../common/settings.ts'

/** Cloudflare's edge sets it, or a proxy that is configured to. Locally workerd passes on whatever a client sends. */
const HEADER = 'cf-connecting-ip'

/** The address of a request's client in its one spelling; empty where it is not known. */
export function clientAddress(env: Env, request: Request): string {
  const given = hasTrustedProxy(settingsOf(env)) ? request.headers.get(HEADER) : null
  return given === null ? '' : (parse(given)?.toString() ?? '')
}

/** What an address is counted by: of IPv6 its network, since one client has all of its 64 bits. */
export function addressGroup(address: string): string {
  const parsed = parse(address)
  if (!parsed) return 'unknown'
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  return `${parsed.parts
    .slice(0, 4)
    .map(part => part.toString(16))
    .join(':')}::/64`
}

/** Only the usual notation is taken: neither `127.1`, nor a zone, which is free text. */
function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const isAddress =
    ipaddr.IPv4.isValidFourPartDecimal(text) || (!text.includes('%') && ipaddr.IPv6.isValid(text))
  return isAddress ? ipaddr.process(text) : undefined
}
