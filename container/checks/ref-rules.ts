import { type Action, type Grant, isAllowed, matchingRule, suggestRef } from '../../src/contract/grant.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import {
  rebaseOntoUpstream,
  remoteOf,
  shortId12,
  THEN_PUSH_AGAIN,
  UPSTREAM_MOVED,
} from '../git/clone-commands.ts'
import { type Command, isCreate, isDelete, isTag } from '../git/command-list.ts'
import type { Git } from '../git/git.ts'
import type { Check, IncomingPush } from './check.ts'
import { type Commits, newCommits } from './objects/new-commits.ts'
import { ObjectReader } from './objects/object-reader.ts'

/** The refusals of a push that suggest an allowed alternative. Of thousands of refs, the first are enough. */
const MAX_REMEDIES = 20

/**
 * Refuses commands that the grant does not allow, as far as that needs no objects: a create, a delete, or an update
 * where the grant has neither `update` nor `force`. Moving a tag drops the object that it named, so it always needs
 * `force`.
 */
export function checkGrant(commands: readonly Command[], grant: Grant, repository: string): Refusal[] {
  const refuse = createRefuser(grant, repository)
  const refusals: Refusal[] = []
  for (const command of commands) {
    const needed: Action[] = isDelete(command)
      ? ['delete']
      : isCreate(command)
        ? ['create']
        : isTag(command)
          ? ['force']
          : ['update', 'force']
    if (needed.some(action => isAllowed(grant, command.ref, action))) continue
    refusals.push(refuse(command, needed[0] ?? 'update'))
  }
  return refusals
}

/**
 * Checks updates of branches against the grant. History, not the client's flag, decides whether an update is a
 * fast-forward.
 */
export const refRules: Check = {
  name: 'rules',
  dependsOnGrant: true,
  async run(push, _sendProgress, signal) {
    const { commands, pass, git } = push
    const grant = { agent: pass.agent, terms: pass.terms }
    const branches = commands.filter(command => !isDelete(command) && !isTag(command))
    if (branches.length === 0) return []
    // The new commits answer most of it. Where they cannot be listed, for example because there are too many, git
    // answers.
    const commits = await newCommits(push, signal).catch((): Commits => new Map())
    signal.throwIfAborted()
    const [types, kinds] = await Promise.all([
      tipTypes(git, branches, commits, signal),
      classifyUpdates(
        git,
        branches.filter(command => !isCreate(command)),
        commits,
        signal,
      ),
    ])
    const refuse = createRefuser(grant, pass.repository.name)
    const refusals: Refusal[] = []
    for (const command of branches) {
      const { ref, old, new: tip } = command
      const type = types.get(tip)
      const updateKind = kinds.get(ref)
      if (type !== 'commit') refusals.push(notACommit(command, type))
      else if (updateKind === 'unknown')
        refusals.push({
          ref,
          reason: `its old value is not known here: ${UPSTREAM_MOVED}`,
          detail: [`it was ${old}`],
          remedy: [`  ${rebaseOntoUpstream(pass.repository.name, command)}`, THEN_PUSH_AGAIN],
        })
      else if (updateKind !== undefined && !isAllowed(grant, ref, updateKind))
        refusals.push(refuse(command, updateKind))
    }
    return refusals
  },
}

/** Returns by ref whether an update of a branch is a fast-forward; unknown where its old value is not in the mirror. */
export async function updateKinds(
  push: IncomingPush,
  updates: readonly Command[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, 'update' | 'force' | 'unknown'>> {
  const commits = await newCommits(push, signal).catch((): Commits => new Map())
  signal.throwIfAborted()
  return classifyUpdates(push.git, updates, commits, signal)
}

/** Returns the types of the branches' new objects by id, without missing objects. */
async function tipTypes(
  git: Git,
  branches: readonly Command[],
  commits: Commits,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const tips = new Set(branches.map(({ new: tip }) => tip))
  const types = new Map<string, string>([...tips].filter(tip => commits.has(tip)).map(tip => [tip, 'commit']))
  const otherTips = [...tips].filter(tip => !commits.has(tip))
  if (otherTips.length === 0) return types
  await using objects = new ObjectReader(git, signal)
  for await (const info of objects.info(otherTips)) if (info) types.set(info.id, info.type)
  return types
}

/** The git processes that run at the same time. */
const MAX_CONCURRENT_QUERIES = 4

/**
 * Returns by ref whether an update is a fast-forward or a forced update; unknown where its old value is not in the
 * mirror.
 */
async function classifyUpdates(
  git: Git,
  updates: readonly Command[],
  commits: Commits,
  signal: AbortSignal,
): Promise<Map<string, 'update' | 'force' | 'unknown'>> {
  const found = new Map<string, 'update' | 'force' | 'unknown'>()
  const remaining = updates.values()
  const classifyNext = async () => {
    for (const { ref, old, new: tip } of remaining) {
      if (isDirectAncestor(old, tip, commits)) {
        found.set(ref, 'update')
        continue
      }
      const { code } = await git.run(['merge-base', '--is-ancestor', old, tip], { signal })
      found.set(ref, code === 0 ? 'update' : code === 1 ? 'force' : 'unknown')
    }
  }
  await Promise.all(Array.from({ length: MAX_CONCURRENT_QUERIES }, classifyNext))
  return found
}

/** The new commits that are walked for one ref before git is asked. */
const MAX_STEPS = 100

/**
 * Returns whether `old` is a parent of a new commit up to `tip`, and so an ancestor. An ancestor need not be such a
 * parent.
 */
function isDirectAncestor(old: string, tip: string, commits: Commits): boolean {
  const visited = new Set([tip])
  for (const id of visited) {
    const parents = commits.get(id) ?? []
    if (parents.includes(old)) return true
    if (visited.size > MAX_STEPS) return false
    for (const parent of parents) if (commits.has(parent)) visited.add(parent)
  }
  return false
}

function notACommit({ ref }: Command, type: string | undefined): Refusal {
  return type === undefined
    ? {
        ref,
        reason: 'its objects are missing from the push',
        detail: [],
        remedy: ['push again; if that does not help, make a fresh clone'],
      }
    : {
        ref,
        reason: `${ref.startsWith('refs/heads/') ? 'a branch' : 'such a ref'} holds commits, this is a ${type}`,
        detail: [],
        remedy: ['push a commit, or this object as a tag'],
      }
}

const VERB: Record<Action, string> = {
  create: 'create it',
  update: 'update it',
  force: 'force-push it (this push drops commits, or moves a tag)',
  delete: 'delete it',
}

/** The most patterns that a refusal names. */
const MAX_PATTERNS = 10

/** Returns a function that refuses a command, with a suggestion for the first refusals. */
function createRefuser(grant: Grant, repository: string): (command: Command, action: Action) => Refusal {
  let refusedCount = 0
  return (command, action) => ({
    ref: command.ref,
    reason: `${grant.agent} ${describeAllowed(command.ref, grant, action)}`,
    detail: [`rule: ${grant.agent} has no right to ${VERB[action]}`],
    remedy: refusedCount++ < MAX_REMEDIES ? remedyFor(command, grant, repository, action) : [],
  })
}

/** Returns the part of the grant that decides: the pattern that denies the action, or the patterns that allow it. */
function describeAllowed(ref: string, grant: Grant, action: Action): string {
  const denying = matchingRule(grant, ref, action)
  if (denying) return `may not ${action} ${denying.pattern.replaceAll('{agent}', grant.agent)}`
  const patterns = grant.terms.rules.filter(rule => rule.allow.includes(action)).map(rule => rule.pattern)
  if (patterns.length === 0) return `may ${action} no ref here`
  const moreCount = patterns.length - MAX_PATTERNS
  const namedPatterns = patterns.slice(0, MAX_PATTERNS).join(', ').replaceAll('{agent}', grant.agent)
  return `may ${action} ${namedPatterns}${moreCount > 0 ? ` and ${moreCount} more patterns` : ''} only`
}

/** Returns the nearest allowed command; or says that only an operator can help. */
function remedyFor(command: Command, grant: Grant, repository: string, action: Action): string[] {
  const requestRight = grantRequest(command, grant, repository, action)
  if (command.ref.startsWith('refs/notes/')) return [requestRight]
  if (action === 'force' && !isTag(command) && isAllowed(grant, command.ref, 'update'))
    return [
      'Keep the commits that are on the branch:',
      `  ${rebaseOntoUpstream(repository, command)}`,
      'Then push again, without --force.',
    ]
  // A tag's name means something to people: another name is theirs to choose.
  if (action === 'delete' || isTag(command)) return [requestRight]
  const suggestion = suggestRef(branchNameFrom(command.ref), 'heads', grant)
  return suggestion && suggestion !== command.ref
    ? [`  git push ${remoteOf(repository)} ${shortId12(command.new)}:${suggestion}`]
    : [requestRight]
}

/** Returns the command with which an operator grants the right, or the deny rule that prevents it. */
function grantRequest({ ref }: Command, grant: Grant, repository: string, action: Action): string {
  const denying = matchingRule(grant, ref, action)
  if (denying)
    return `Nothing you can do: the grant of ${grant.agent} in ${repository} denies ${action} of ${denying.pattern}; where it is needed, tell the operator.`
  const isTagRef = ref.startsWith('refs/tags/')
  const changes = action === 'create' || action === 'update'
  const option = changes ? (isTagRef ? 'tags' : 'push') : action
  // The option replaces the list of its patterns, so the command repeats the granted ones.
  const granted = grant.terms.rules
    .filter(rule => rule.allow.includes(action) && rule.pattern.startsWith('refs/tags/') === isTagRef)
    .map(rule => rule.pattern)
  const patterns = [...granted, ref].map(pattern => `'${pattern}'`).join(' ')
  return `Nothing you can do: tell the operator, who allows it with: git gate grant set ${grant.agent} ${repository} --${option} ${patterns}`
}

/** Returns a ref's name as one path segment for a suggested branch. */
const branchNameFrom = (ref: string) =>
  ref
    .split('/')
    .slice(2)
    .join('-')
    .replaceAll(/[^\p{L}\p{N}_.-]/gu, '-')
    .replace(/^[-.]+/, '') || 'change'
