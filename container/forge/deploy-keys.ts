import { z } from 'zod'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { type Forge, forgeOf } from '../../src/contract/hosts/forge.ts'
import type { Credentials } from '../upstream/https/credentials.ts'
import type { AppPermissions } from '../upstream/https/github-app.ts'
import { ForgeError, type HostApi, hostApi, toError } from './host-api.ts'
import { callsOf, type HostCalls } from './hosts.ts'

const PERMISSIONS: AppPermissions = { administration: 'write' }

/** Time for the host to answer, in milliseconds. */
const HOST_TIMEOUT_MS = 20_000

type HostCredentials = Pick<Credentials, 'tokenFor' | 'refused'>

/**
 * Adds a public key with write access to the upstream's project. Returns its id at the host. Rejects with
 * UpstreamError.
 */
export async function addDeployKey(
  upstream: Upstream,
  { title, publicKey }: { title: string; publicKey: string },
  credentials: HostCredentials,
): Promise<number> {
  const { api, calls } = connect(upstream, credentials)
  const { id } = await api.request(z.object({ id: z.number().int() }), calls.addDeployKey(title, publicKey))
  return id
}

/** Removes a deploy key. A key that the host does not have counts as removed. Rejects with UpstreamError. */
export async function removeDeployKey(
  upstream: Upstream,
  id: number,
  credentials: HostCredentials,
): Promise<void> {
  const { api, calls, forge } = connect(upstream, credentials)
  const call = calls.removeDeployKey(id)
  const response = await api.send(call)
  if (response.status !== 404 && (response.status < 200 || response.status > 299))
    throw toError(forge, upstream, call, response)
}

function connect(
  upstream: Upstream,
  credentials: HostCredentials,
): { forge: Forge; api: HostApi; calls: HostCalls } {
  const forge = forgeOf(upstream)
  if (!forge) throw new ForgeError(`the gate does not know the API of the host of ${upstream.url}`, 0)
  const api = hostApi(forge, upstream, credentials, PERMISSIONS, AbortSignal.timeout(HOST_TIMEOUT_MS))
  return { forge, api, calls: callsOf[forge.kind](forge.project) }
}
