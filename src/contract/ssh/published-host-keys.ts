import { parseUpstream } from '../upstream.ts'
import { knownHostName } from './known-hosts.ts'

interface PublishedKeys {
  /** Where the host publishes its keys or their fingerprints. */
  readonly source: string
  readonly hosts: readonly string[]
  readonly keys: readonly string[]
}

/**
 * Keys that hosts publish. RSA keys are left out: GitHub had to replace its own in 2023, and each of these hosts has
 * a newer one.
 */
const PUBLISHED: readonly PublishedKeys[] = [
  {
    source: 'https://api.github.com/meta',
    hosts: ['github.com', 'ssh.github.com'],
    keys: [
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
      'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=',
    ],
  },
  {
    source: 'https://docs.gitlab.com/user/gitlab_com/#ssh-known_hosts-entries',
    hosts: ['gitlab.com', 'altssh.gitlab.com'],
    keys: [
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf',
      'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFSMqzJeV9rUzU4kWitGjeR4PWSa29SPqJ1fVkhtj3Hw9xjLVXVYrU9QlYWrOLXBpQ6KWjbjTDTdDkoohFzgbEY=',
    ],
  },
  {
    source: 'https://docs.codeberg.org/security/ssh-fingerprint/',
    hosts: ['codeberg.org'],
    keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIVIC02vnjFyL+I4RHfvIGNtOgJMe769VTF1VR4EB3ZB'],
  },
  {
    source: 'https://bitbucket.org/site/ssh',
    hosts: ['bitbucket.org', 'altssh.bitbucket.org'],
    keys: [
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO',
      'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPIQmuzMBuKdWeF4+a2sjSSpBK0iqitSQ+5BM9KhpexuGt20JpTVM7u5BDZngncgrqDMbWdxMWWOGtZ9UgbqgZE=',
    ],
  },
]

/**
 * Returns the keys that an SSH upstream's host publishes, as lines of a known-hosts file with their source, or
 * undefined if the gate knows none.
 */
export function publishedHostKeys(upstream: string): string | undefined {
  const parsed = parseUpstream(upstream)
  if (!parsed.ok || parsed.address.transport !== 'ssh') return undefined
  const host = parsed.address.host.toLowerCase()
  const published = PUBLISHED.find(({ hosts }) => hosts.includes(host))
  if (!published) return undefined
  const name = knownHostName(parsed.address)
  return [`# ${published.source}`, ...published.keys.map(key => `${name} ${key}`), ''].join('\n')
}
