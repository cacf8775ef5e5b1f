import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { allowsBase, describeBases } from '../../src/contract/grant.ts'
import { forgeOf } from '../../src/contract/hosts/forge.ts'
import { refNameProblem } from '../../src/contract/names.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import { openPullRequest } from '../forge/open-pull-request.ts'
import { type Command, type CommandList, isDelete } from '../git/command-list.ts'
import type { Git } from '../git/git.ts'
import type { Reply } from '../git/report-status.ts'
import { describeError } from '../process/describe-error.ts'
import { logError } from '../process/log.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { MAX_BODY, MAX_TITLE, type PullRequestOptions, readPullRequestOptions } from './push-options.ts'
import type { PushWork } from './push-work.ts'
import { pushRefusal } from './verdict.ts'

type PushPass = PassFor<'git-receive-pack'>

const HEADS = 'refs/heads/'
const WITHOUT = 'push again without -o pr'

/**
 * Refuses a push that asks for a pull request which the gate will not ask the host for. Returns undefined if
 * the push asks for none, or may have it.
 */
export function refusePullRequest(
  { commands, pushOptions }: Pick<CommandList, 'commands' | 'pushOptions'>,
  pass: PushPass,
): Refusal | undefined {
  const read = readPullRequestOptions(pushOptions)
  if (!read) return undefined
  if (!read.ok)
    return pushRefusal(read.reason, [
      'push with -o pr, -o pr.title=TITLE, -o pr.body=TEXT, -o pr.base=BRANCH, -o pr.draft',
    ])
  const { agent, terms, repository } = pass
  if (terms.pullRequests.length === 0)
    return pushRefusal(`${agent} may not open pull requests in ${repository.name}`, [
      `${WITHOUT}, or ask an operator: git gate grant set ${agent} ${repository.name} --pull-requests`,
    ])
  if (!forgeOf(repository))
    return pushRefusal(`the gate does not know the API of ${repository.name}'s host`, [
      `${WITHOUT}, or ask an operator: git gate repo set ${repository.name} --forge github|gitlab|gitea --api-url URL`,
    ])
  if (!repository.credential)
    return pushRefusal(`the gate has no credential for the API of ${repository.name}'s host`, [
      `${WITHOUT}, or ask an operator: git gate repo set ${repository.name} --credential NAME`,
    ])
  const branch = branchOf(commands)
  if (branch === undefined)
    return pushRefusal('a pull request is of one branch, and this push creates or updates none or several', [
      'push one branch, such as git push -o pr origin HEAD:refs/heads/NAME',
    ])
  return read.wanted.base === undefined ? undefined : refuseBase(read.wanted.base, branch.name, pass)
}

function refuseBase(base: string, branch: string, { agent, terms }: PushPass): Refusal | undefined {
  if (refNameProblem(`${HEADS}${base}`) !== undefined)
    return pushRefusal('pr.base is not the name of a branch', ['give it as in -o pr.base=main'])
  if (base === branch)
    return pushRefusal(`pr.base is ${base}, the pushed branch itself`, [
      `push to another branch, such as git push -o pr origin HEAD:refs/heads/NAME`,
    ])
  if (allowsBase(terms, base)) return undefined
  return pushRefusal(`${agent} may not open pull requests into ${base}`, [
    `give another base: ${describeBases(terms)}`,
  ])
}

/** Returns the only branch that the push creates or updates, and its new commit. */
function branchOf(commands: readonly Command[]): { name: string; tip: string } | undefined {
  const [branch, ...others] = commands.filter(c => c.ref.startsWith(HEADS) && !isDelete(c))
  return branch && others.length === 0 ? { name: branch.ref.slice(HEADS.length), tip: branch.new } : undefined
}

interface AcceptedPush {
  readonly list: CommandList
  readonly reply: Pick<Reply, 'keepalive'>
  /** Sends the client a progress line and adds it to the push's record. */
  readonly sendProgress: (line: string) => void
}

/** Time for the host to answer all requests for one pull request, in milliseconds. */
const HOST_TIMEOUT_MS = 20_000

/** Interval of keepalives to the client, in milliseconds: a proxy closes a silent response after 5 s. */
const KEEPALIVE_MS = 2_000

/**
 * Opens the pull request that an accepted push asks for, and records it. The push stays accepted whatever the
 * host answers. The client's connection does not matter: what it asked for is done.
 */
export async function requestPullRequest(
  { services, pass, mirror, recorder }: PushWork,
  { list: { commands, pushOptions }, reply, sendProgress }: AcceptedPush,
): Promise<void> {
  const read = readPullRequestOptions(pushOptions)
  const branch = branchOf(commands)
  if (!read?.ok || branch === undefined) return
  const signal = AbortSignal.timeout(HOST_TIMEOUT_MS)
  const beat = setInterval(() => reply.keepalive(), KEEPALIVE_MS)
  try {
    const base = read.wanted.base ?? (await defaultBase(mirror.git, signal))
    const refusal = refuseBase(base, branch.name, pass)
    if (refusal) throw new UpstreamError(refusal.reason)
    const text = await textOf(mirror.git, read.wanted, { base, branch }, signal)
    const wanted = { branch: branch.name, base, isDraft: read.wanted.isDraft, ...text }
    const pull = await openPullRequest(pass.repository, wanted, services.credentials, signal)
    sendProgress(`pull request ${pull.isNew ? 'opened' : 'is open'}: ${pull.url}`)
    await recorder.addPullRequest(pull)
  } catch (error) {
    if (!(error instanceof UpstreamError) && !signal.aborted) logError(pass.id, error)
    const reason = signal.aborted
      ? `its host did not answer within ${HOST_TIMEOUT_MS / 1000} s`
      : error instanceof UpstreamError
        ? error.message
        : describeError(error)
    sendProgress(`the push is accepted; no pull request: ${reason}`)
    await recorder.addPullRequest(null)
  } finally {
    clearInterval(beat)
  }
}

/** Returns the branch that is upstream's HEAD. */
async function defaultBase(git: Git, signal: AbortSignal): Promise<string> {
  const { code, stdout } = await git.run(['symbolic-ref', '--quiet', 'HEAD'], { signal })
  const ref = stdout.toString('utf8').trim()
  if (code !== 0 || !ref.startsWith(HEADS))
    throw new UpstreamError('upstream has no default branch; give the base with -o pr.base=BRANCH')
  return ref.slice(HEADS.length)
}

/** Limits of the commits that a default title and body are made of. */
const MAX_COMMITS = 50

/**
 * Returns the title and body: as given, or of the branch's commits. One commit gives its subject and body;
 * several give the first subject, and a list of all.
 */
async function textOf(
  git: Git,
  { title, body }: PullRequestOptions,
  { base, branch }: { base: string; branch: { name: string; tip: string } },
  signal: AbortSignal,
): Promise<{ title: string; body: string }> {
  if (title !== undefined && body !== undefined) return { title, body }
  const range = [branch.tip, '--not', `${HEADS}${base}`]
  const log = await git.run(
    ['log', '--no-merges', '--reverse', `--max-count=${MAX_COMMITS}`, '--format=%s%x00%b%x1e', ...range],
    { signal },
  )
  const commits = log.stdout
    .toString('utf8')
    .split('\x1e')
    .map(each => each.trim().split('\0'))
    .filter(([subject]) => subject)
  const [subject = branch.name, text = ''] = commits[0] ?? []
  return {
    title: title ?? subject.slice(0, MAX_TITLE),
    body:
      body ??
      (commits.length > 1 ? commits.map(([each]) => `- ${each}`).join('\n') : text.trim()).slice(0, MAX_BODY),
  }
}
