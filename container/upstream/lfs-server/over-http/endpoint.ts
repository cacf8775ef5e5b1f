import { z } from 'zod'
import type { Upstream } from '../../../../src/contract/companion-api/pass.ts'
import type { LfsOperation } from '../../../../src/contract/lfs.ts'
import type { HostToken } from '../../https/credentials.ts'
import type { Link } from '../../link.ts'
import { UpstreamError } from '../../upstream-error.ts'
import { commandError } from '../command-error.ts'
import { expiryOf, LIFETIME_MS, NoLfs } from '../transport.ts'

/** The address of an upstream's LFS API, with the headers that authenticate the gate. */
export interface LfsEndpoint {
  /** Without a trailing slash. */
  readonly href: string
  readonly headers: Readonly<Record<string, string>>
  /** The token of an HTTPS upstream. */
  readonly token?: string
  /** In Unix milliseconds. */
  readonly expiresAt: number
}

const Expiry = { expires_in: z.number().optional(), expires_at: z.string().optional() }
const Authentication = z.object({
  href: z.string().min(1),
  header: z.record(z.string(), z.string()).nullish(),
  ...Expiry,
})

/**
 * Asks an upstream over SSH for its LFS API: `git-lfs-authenticate <path> <operation>` (git-lfs
 * docs/api/server-discovery.md). Rejects with NoLfs where upstream does not know the command, and with
 * UpstreamError.
 */
export async function lfsEndpointOverSsh(
  link: Link,
  upstream: Upstream,
  operation: LfsOperation,
  signal: AbortSignal,
): Promise<LfsEndpoint> {
  const { authenticateLfs, release } = await link.acquire(signal)
  const ended = await Promise.resolve(authenticateLfs?.(upstream, operation, signal)).finally(() =>
    release({ broken: signal.aborted }),
  )
  if (!ended) throw new NoLfs(`the upstream of ${upstream.name} is not reached over SSH`)
  if (ended.code !== 0) throw commandError(upstream, ended.code, ended.stderr)
  const authentication = Authentication.safeParse(parseJson(ended.stdout.toString('utf8')))
  if (!authentication.success)
    throw new UpstreamError(`the upstream of ${upstream.name} does not say where its Git LFS is`)
  const { href, header } = authentication.data
  return { href: href.replace(/\/+$/, ''), headers: header ?? {}, expiresAt: expiryOf(authentication.data) }
}

/** Returns the LFS API of an HTTPS upstream (git-lfs docs/api/server-discovery.md). */
export function lfsEndpointOverHttps({ url }: Upstream, { user, token }: HostToken): LfsEndpoint {
  const repository = url.replace(/\/+$/, '').replace(/(\.git)?$/, '.git')
  const Authorization = `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`
  return {
    href: `${repository}/info/lfs`,
    headers: { Authorization },
    token,
    expiresAt: Date.now() + LIFETIME_MS,
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
