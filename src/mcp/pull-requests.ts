import { z } from 'zod'
import { forgeOf } from '../contract/hosts/forge.ts'
import { callHost, pullRequestCall } from '../host-calls/index.ts'
import { findGrant } from '../ledger/access/token-and-grant.ts'
import { noRepository } from './answers.ts'
import type { Caller } from './caller.ts'

/** A pull request of a branch that upstream has. The companion scans its texts, and bounds them. */
export const WantedPullRequest = z.strictObject({
  branch: z.string().min(1).max(512),
  base: z.string().min(1).max(512),
  title: z.string().trim().min(1).max(1_000),
  body: z.string().max(60_000).default(''),
})
type WantedPullRequest = z.infer<typeof WantedPullRequest>

/** The host's answer: GitHub and Gitea have `html_url`, GitLab has `web_url`. */
const CreatedPullRequest = z.union([
  z.object({ html_url: z.url() }).transform(({ html_url }) => html_url),
  z.object({ web_url: z.url() }).transform(({ web_url }) => web_url),
])
/** The host's reasons: GitHub has further ones in `errors`, GitLab has a list. */
const Failure = z.object({
  message: z.union([z.string().transform(text => [text]), z.array(z.string())]),
  errors: z.array(z.object({ message: z.string() }).transform(({ message }) => message)).catch([]),
})

/** The time for the host to answer, in milliseconds. */
const HOST_TIMEOUT_MS = 30_000

/**
 * Opens a pull request, by a call to the host's API as the agent's own client would make it: its texts are scanned, and it
 * is on record. The right to open pull requests is that of `git push -o pr`.
 */
export async function openPullRequest(
  caller: Caller,
  { repository, ...wanted }: WantedPullRequest & { repository: string },
): Promise<string> {
  const { env, agent, tokenId, waitUntil } = caller
  const access = await findGrant(env.LEDGER, agent, repository)
  if (!access) return noRepository(caller, repository)
  const { terms } = access
  if (terms.pullRequests.length === 0)
    return `no: ${agent} may not open pull requests in ${repository}; an operator allows it: git gate grant set ${agent} ${repository} --pull-requests`
  const forge = forgeOf(access.repository)
  if (!forge || !access.repository.credential)
    return `no: the gate does not reach the API of ${repository}'s host; an operator sets its kind and its credential: git gate repo set ${repository} --forge github|gitlab|gitea --credential NAME`
  const response = await callHost(env, {
    agent,
    tokenId,
    waitUntil,
    access: { ...access, terms: { ...terms, hostApi: 'write' } },
    method: 'POST',
    query: '',
    accept: 'application/json',
    ...pullRequestCall(forge, wanted),
    signal: AbortSignal.timeout(HOST_TIMEOUT_MS),
  })
  const answer: unknown = await response.json().catch(() => undefined)
  const opened = CreatedPullRequest.safeParse(answer)
  if (response.ok && opened.success) return `opened: ${opened.data}`
  const { data } = Failure.safeParse(answer)
  return `no: ${data ? [...data.message, ...data.errors].join('; ') : `the host answered with ${response.status}`}`
}
