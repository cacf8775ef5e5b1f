import { createHash } from 'node:crypto'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import type { IdentityName } from '../../src/contract/names.ts'
import { isHttps } from '../../src/contract/upstream.ts'
import { type HttpsDependencies, openHttpsLink } from './https/https-link.ts'
import type { Link, SharedLink } from './link.ts'
import type { AllWaiting } from './ssh/prepared-sessions.ts'
import { openSshLink, type SshFolders } from './ssh/ssh-link.ts'
import { parseSshUrl } from './ssh/ssh-url.ts'

/** The links to all upstreams. */
export interface Links {
  to(upstream: Upstream): Promise<Link>
  /** Closes the connections of an identity: its name may get another key. */
  closeIdentity(identity: IdentityName): void
  closeAll(): void
}

/**
 * Keeps connections for each combination of address, secret and trust. A change of any of them makes new connections.
 */
export function createLinks(dependencies: SshFolders & HttpsDependencies): Links {
  const links = new Map<string, OpenLink>()
  const waiting: AllWaiting = new Set()
  return {
    async to(upstream) {
      const { url, identity, knownHosts, credential, ca, proxy } = upstream
      const parts = isHttps(url)
        ? [url, credential, ca, proxy]
        : [parseSshUrl(url).host, identity, knownHosts]
      const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
      const open = isHttps(url) ? openHttpsLink : openSshLink
      const entry = links.get(key) ?? { identity, link: open({ ...dependencies, waiting }, key, upstream) }
      links.set(key, entry)
      entry.link.catch(() => links.delete(key))
      return (await entry.link).for(upstream)
    },
    closeIdentity(removed) {
      for (const [key, entry] of links) {
        if (entry.identity !== removed) continue
        links.delete(key)
        close(entry)
      }
    },
    closeAll() {
      for (const entry of links.values()) close(entry)
    },
  }
}

interface OpenLink {
  readonly identity: IdentityName | null
  readonly link: Promise<SharedLink>
}

const close = ({ link }: OpenLink) => void link.then(open => open.close()).catch(() => {})
