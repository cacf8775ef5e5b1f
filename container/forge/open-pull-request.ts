import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { forgeOf, PullRequest } from '../../src/contract/hosts/forge.ts'
import type { Credentials } from '../upstream/https/credentials.ts'
import type { AppPermissions } from '../upstream/https/github-app.ts'
import { ForgeError, type HostApi, hostApi, hostOf, parseJson, toError } from './host-api.ts'
import { callsOf, type FoundPullRequest, type HostCalls, type WantedPullRequest } from './hosts.ts'

const PERMISSIONS: AppPermissions = { pull_requests: 'write', contents: 'read' }

/**
 * Opens a pull request at the upstream's host, or finds the branch's open one. Rejects with UpstreamError, in
 * words for the agent.
 */
export async function openPullRequest(
  upstream: Upstream,
  wanted: WantedPullRequest,
  credentials: Pick<Credentials, 'tokenFor' | 'refused'>,
  signal: AbortSignal,
): Promise<PullRequest> {
  const forge = forgeOf(upstream)
  if (!forge) throw new ForgeError(`the gate does not know the API of ${upstream.name}'s host`, 0)
  const api = hostApi(forge, upstream, credentials, PERMISSIONS, signal)
  const calls = callsOf[forge.kind](forge.project)
  const { pull, isNew } = await findOrOpen(api, calls, upstream, wanted)
  const read = PullRequest.safeParse({ ...pull, isNew })
  if (!read.success) throw new ForgeError(`${hostOf(forge)} gives the pull request an odd URL`, 0)
  return read.data
}

async function findOrOpen(
  api: HostApi,
  calls: HostCalls,
  upstream: Upstream,
  wanted: WantedPullRequest,
): Promise<{ pull: FoundPullRequest; isNew: boolean }> {
  const open = await calls.findPullRequest(api, wanted.branch)
  if (open) return { pull: open, isNew: false }
  const call = calls.openPullRequest(wanted)
  const response = await api.send(call)
  if (calls.exists.includes(response.status)) {
    // Another push of the branch was faster.
    const other = await calls.findPullRequest(api, wanted.branch)
    if (other) return { pull: other, isNew: false }
  }
  const opened = calls.opened.safeParse(response.status === 201 ? parseJson(response.text) : undefined)
  if (!opened.success) throw toError(api.forge, upstream, call, response)
  return { pull: opened.data, isNew: true }
}
