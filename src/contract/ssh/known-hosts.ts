import { matchesWildcard } from '../text/glob.ts'
import type { UpstreamAddress } from '../upstream.ts'

/** The types of public keys that ssh and ssh-keygen read. */
export const KEY_TYPES =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)$/

/** Returns the host's name in the known-hosts format (sshd(8)): `[host]:port` unless the port is 22. */
export function knownHostName({ host, port = 22 }: UpstreamAddress): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
}

/**
 * Returns whether a known-hosts text (sshd(8)) pins a key for the upstream. Reads plain, wildcard and hashed entries.
 */
export async function hasHostKey(knownHosts: string, address: UpstreamAddress): Promise<boolean> {
  // ssh falls back to the bare host name when no entry has the port.
  const names = [...new Set([knownHostName(address), address.host.toLowerCase()])]
  for (const { marker, hosts, type, key } of entriesOf(knownHosts)) {
    if (marker === '@revoked' || !KEY_TYPES.test(type) || !/^[A-Za-z0-9+/]{40,}={0,2}$/.test(key)) continue
    for (const name of names) if (await covers(hosts, name)) return true
  }
  return false
}

/**
 * The limit of `*` in a host pattern. ssh's matcher takes time in the order of the host's length to this
 * power.
 */
const MAX_STARS = 3

/** Returns whether every host pattern has MAX_STARS `*` at most, so that ssh matches it quickly. */
export const hasPlainPatterns = (knownHosts: string): boolean =>
  entriesOf(knownHosts).every(({ hosts }) =>
    hosts.split(',').every(pattern => pattern.split('*', MAX_STARS + 2).length <= MAX_STARS + 1),
  )

interface Entry {
  readonly marker: string | undefined
  readonly hosts: string
  readonly type: string
  readonly key: string
}

function entriesOf(knownHosts: string): Entry[] {
  return knownHosts.split(/\r?\n/).flatMap(line => {
    const fields = line.trim().split(/[ \t]+/)
    if (fields[0]?.startsWith('#')) return []
    const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined
    const [hosts, type = '', key = ''] = fields
    return hosts ? [{ marker, hosts, type, key }] : []
  })
}

async function covers(hosts: string, name: string): Promise<boolean> {
  if (hosts.startsWith('|1|')) return isHashOf(hosts, name)
  let found = false
  for (const pattern of hosts.split(',')) {
    const negated = pattern.startsWith('!')
    if (!matchesWildcard(pattern.slice(negated ? 1 : 0).toLowerCase(), name)) continue
    if (negated) return false
    found = true
  }
  return found
}

/**
 * Returns whether a hashed entry is for this name. ssh writes `|1|<salt>|<HMAC-SHA-1 of the name>`, both in base64.
 */
async function isHashOf(entry: string, name: string): Promise<boolean> {
  const [, , salt, hash] = entry.split('|')
  if (!salt || !hash) return false
  try {
    const key = await crypto.subtle.importKey(
      'raw',
      Uint8Array.from(atob(salt), c => c.charCodeAt(0)),
      { name: 'HMAC', hash: 'SHA-1' },
      false,
      ['sign'],
    )
    const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(name)))
    return btoa(String.fromCharCode(...mac)) === hash
  } catch {
    return false
  }
}
