import type { z } from 'zod'
import { Upstream } from '../../../src/contract/companion-api/pass.ts'

/** An upstream as a pass describes it, with these fields. By default it is a repository over SSH that no test reaches. */
export const upstreamOf = (own: Partial<z.input<typeof Upstream>> = {}): Upstream =>
  Upstream.parse({
    name: 'app',
    url: 'git@example.com:app.git',
    identity: 'app',
    knownHosts: '',
    credential: null,
    ca: '',
    proxy: '',
    staleReads: false,
    ...own,
  })
