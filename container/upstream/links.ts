import { createHash } from 'node:crypto'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { isHttps } from '../../src/contract/upstream.ts'
import { type HttpsDependencies, openHttpsLink } from './https/https-link.ts'
import type { Link, SharedLink } from './link.ts'
import type { AllWaiting } from './ssh/prepared-sessions.ts'
import { openSshLink, type SshFolders } from './ssh/ssh-link.ts'
import { parseSshUrl } from './ssh/ssh-url.ts'

/** The links to all upstreams. */
export interface Links {
  to(upstream: Upstream): Promise<Link>
  closeAll(): void
}

/**
 * Keeps connections for each combination of address, secret and trust. A change of any of them makes new connections.
 */
export function createLinks(dependencies: SshFolders & HttpsDependencies): Links {
  const links = new Map<string, Promise<SharedLink>>()
  const waiting: AllWaiting = new Set()
  return {
    async to(upstream) {
      const { url, identity, knownHosts, credential, ca, proxy } = upstream
      const parts = isHttps(url)
        ? [url, credential, ca, proxy]
        : [parseSshUrl(url).host, identity, knownHosts]
      const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
      const open = isHttps(url) ? openHttpsLink : openSshLink
      const known = links.get(key) ?? open({ ...dependencies, waiting }, key, upstream)
      links.set(key, known)
      known.catch(() => links.delete(key))
      return (await known).for(upstream)
    },
    closeAll() {
      for (const link of links.values()) link.then(open => open.close()).catch(() => {})
    },
  }
}
