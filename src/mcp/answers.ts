import type { AgentGrant } from '../contract/admin-api/agents.ts'
import type { PushRecord } from '../contract/admin-api/pushes.ts'
import {
  type Action,
  type AskRule,
  describeAsk,
  formatLimits,
  formatRules,
  isAllowed,
  matchRef,
  suggestRef,
} from '../contract/grant.ts'
import { refNameProblem } from '../contract/names.ts'
import { compileGlob } from '../contract/text/glob.ts'
import { listGrants } from '../ledger/access/grants.ts'
import { findDecline } from '../ledger/findings/declines.ts'
import { listExceptions } from '../ledger/findings/exceptions.ts'
import { findPush, listPushes } from '../ledger/pushes/read-pushes.ts'
import type { Caller } from './caller.ts'
import { approvalOf, formatApproval } from './requests.ts'

/** Lists the repositories of the agent's grants. */
export async function listRepositories({ ledger, agent, origin }: Caller): Promise<string> {
  const grants = await listGrants(ledger, { agent })
  if (grants.length === 0) return `${agent} has no grant; an operator grants access`
  return grants
    .map(({ repository, terms }) => {
      const may = terms.rules.length ? 'read and push' : 'read'
      return `${repository}: ${may}; ${origin}/${repository}.git`
    })
    .join('\n')
}

const findGrant = async ({ ledger, agent }: Caller, repository: string) =>
  (await listGrants(ledger, { agent, repository }))[0]

/** The words for a repository without a grant. An unknown repository gets the same words. */
export async function noRepository(caller: Caller, repository: string): Promise<string> {
  return `${caller.agent} has no grant for ${repository}. Its repositories:\n${await listRepositories(caller)}`
}

/** Formats the agent's grant in a repository. */
export async function showRepository(caller: Caller, repository: string): Promise<string> {
  const grant = await findGrant(caller, repository)
  if (!grant) return noRepository(caller, repository)
  const rules = formatRules(grant)
  return [
    `clone and push: ${caller.origin}/${repository}.git`,
    ...(rules.length ? ['push:', ...rules.map(rule => `  ${rule}`)] : ['push: nothing']),
    ...formatLimits(grant.terms),
    'each push is scanned for secrets; a push that holds a secret is refused',
  ].join('\n')
}

/** Tells whether the grant allows an action on a ref with changes of these paths. */
export async function checkRef(
  caller: Caller,
  wanted: { repository: string; ref: string; action: Action; paths: readonly string[] },
): Promise<string> {
  const { repository, action, paths } = wanted
  const grant = await findGrant(caller, repository)
  if (!grant) return noRepository(caller, repository)
  const ref = wanted.ref.startsWith('refs/') ? wanted.ref : `refs/heads/${wanted.ref}`
  const problem = refNameProblem(ref)
  if (problem !== undefined) return `no: ${ref} is not a ref name: ${problem}`
  const refusals: string[] = []
  if (!isAllowed(grant, ref, action)) {
    const other = suggestRef('my-change', ref.startsWith('refs/tags/') ? 'tags' : 'heads', grant)
    refusals.push(`${action} of ${ref} is not allowed${other ? `; you may create ${other}` : ''}`)
  }
  for (const glob of grant.terms.denyPaths) {
    const pattern = compileGlob(glob)
    const denied = paths.filter(path => pattern.test(path))
    if (denied.length) refusals.push(`the grant denies ${glob}: ${denied.slice(0, 10).join(', ')}`)
  }
  if (refusals.length) return ['no', ...refusals].join('\n')
  const waits = waitsFor(grant, ref, action, paths)
  const allowed = `yes: the grant allows ${action} of ${ref}. ${REMAINING_CHECKS}`
  return [allowed, ...waits.map(rule => `it will wait for an approval: ${rule}`)].join('\n')
}

/** Returns the ask rules that the ref, the action and the paths meet. Sizes are known only when the agent pushes. */
function waitsFor(
  { agent, terms }: Pick<AgentGrant, 'agent' | 'terms'>,
  ref: string,
  action: Action,
  paths: readonly string[],
): string[] {
  const matches = ({ refs, actions, paths: globs }: AskRule) =>
    (refs.length === 0 || refs.some(pattern => matchRef(pattern.replaceAll('{agent}', agent), ref))) &&
    (actions.length === 0 || actions.includes(action)) &&
    (globs.length === 0 || globs.some(glob => paths.some(path => compileGlob(glob).test(path))))
  return terms.ask
    .filter(rule => !rule.findings && rule.overBytes === undefined && matches(rule))
    .map(describeAsk)
}

const REMAINING_CHECKS =
  'The gate still checks the push for secrets and file sizes, and the upstream may refuse it.'

/** Tells the outcome of a push of this agent, in the words that git has printed. */
export async function explainPush(
  caller: Caller,
  wanted: { push?: string | undefined; repository?: string | undefined },
): Promise<string> {
  const { agent } = caller
  const push = await findOwnPush(caller, wanted)
  if (!push)
    return wanted.push === undefined ? `${agent} has no push here` : `${agent} has no push ${wanted.push}`
  const approval = await approvalOf(caller, push.id)
  return [formatPush(push), ...(approval ? [formatApproval(approval)] : [])].join('\n')
}

/** Returns a push of this agent, by its id or the newest. */
export async function findOwnPush(
  { ledger, agent }: Caller,
  wanted: { push?: string | undefined; repository?: string | undefined },
): Promise<PushRecord | undefined> {
  const id =
    wanted.push ??
    (await listPushes(ledger, { agent, repository: wanted.repository, limit: 1 })).pushes[0]?.id
  const push = id === undefined ? undefined : await findPush(ledger, id)
  return push?.agent === agent ? push : undefined
}

function formatPush(push: PushRecord): string {
  return [
    `push ${push.id} into ${push.repository}, ${push.startedAt}: ${push.outcome}`,
    ...push.refs.map(
      ({ ref, status, reason }) =>
        `${ref}: ${status === 'ok' ? 'accepted' : 'refused'}${reason ? `, ${reason}` : ''}`,
    ),
    ...push.findings.map(
      ({ rule, path, line, fingerprint }) =>
        `finding: ${rule} in ${path}:${line}, fingerprint ${fingerprint}`,
    ),
    ...(push.remoteLines.length ? ['git printed:', ...push.remoteLines] : []),
  ].join('\n')
}

/** Tells the decision on a finding: an exception in force, a decline with its reason, or none yet. */
export async function findingStatus(
  caller: Caller,
  { repository, fingerprint }: { repository: string; fingerprint: string },
): Promise<string> {
  if (!(await findGrant(caller, repository))) return noRepository(caller, repository)
  const now = new Date().toISOString()
  const exception = (await listExceptions(caller.ledger, repository)).find(
    each =>
      each.fingerprint === fingerprint &&
      each.revokedAt === null &&
      (each.until === null || each.until > now),
  )
  if (exception)
    return `an exception lets it pass${exception.until ? ` until ${exception.until}` : ''}: push again`
  const declined = await findDecline(caller.ledger, { repository, fingerprint })
  if (declined) return `an operator declined it: ${declined.reason}`
  return 'no decision yet: remove the secret; or ask an operator with request_exception, or with gitleaks:allow in its line and a push'
}
