import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import { isHttps } from '../../../src/contract/upstream.ts'
import { createHttpTransport } from './over-http/http-transport.ts'
import { createSshTransport } from './over-ssh/ssh-transport.ts'
import { type LfsTransport, type LfsTransportDeps, LIFETIME_MS, NoLfs } from './transport.ts'

/**
 * Creates the transport of an upstream. An SSH upstream is asked for its LFS API first (git-lfs-authenticate); the
 * pure SSH transfer is for one without.
 */
export function createTransport(upstream: Upstream, deps: LfsTransportDeps): LfsTransport {
  const http = createHttpTransport(upstream, deps)
  return isHttps(upstream.url) ? http : preferFirst(http, createSshTransport(upstream, deps))
}

/** Uses the second transport while the upstream has nothing for the first, which is asked again after a while. */
function preferFirst(first: LfsTransport, second: LfsTransport): LfsTransport {
  let secondUntil = 0
  const run = async <T>(work: (transport: LfsTransport) => Promise<T>): Promise<T> => {
    if (secondUntil < Date.now())
      try {
        return await work(first)
      } catch (error) {
        if (!(error instanceof NoLfs)) throw error
        secondUntil = Date.now() + LIFETIME_MS
      }
    try {
      return await work(second)
    } catch (error) {
      if (error instanceof NoLfs) secondUntil = 0
      throw error
    }
  }
  return {
    batch: (operation, objects, signal) => run(to => to.batch(operation, objects, signal)),
    locks: (request, signal) => run(to => to.locks(request, signal)),
  }
}
