import { type Action, decidingRule, type Grant, mayDo, refNamedAfter } from '../../src/contract/grant.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import type { Git } from '../git/git.ts'
import { type Command, isCreate, isDelete, isTag } from '../push/command-list.ts'
import type { Check } from './check.ts'
import { type Commits, newCommits } from './objects/new-commits.ts'
import { ObjectReader } from './objects/object-reader.ts'

/** So many refusals tell what would be allowed instead; a push of thousands of refs is told it of the first. */
const MOST_REMEDIES = 20

/**
 * What needs no objects to be refused: a create, a delete, or an update where the grant has neither `update` nor
 * `force`. Moving a tag loses what it named, so it is always `force`.
 */
export function judgeCommands(commands: readonly Command[], grant: Grant, repository: string): Refusal[] {
  const refuse = refuserFor(grant, repository)
  const refusals: Refusal[] = []
  for (const command of commands) {
    const needed: Action[] = isDelete(command)
      ? ['delete']
      : isCreate(command)
        ? ['create']
        : isTag(command)
          ? ['force']
          : ['update', 'force']
    if (needed.some(action => mayDo(grant, command.ref, action))) continue
    refusals.push(refuse(command, needed[0] ?? 'update'))
  }
  return refusals
}

/** Whether an update is a fast-forward or a force is told by history, not by the client's flag. */
export const rules: Check = {
  name: 'rules',
  dependsOnGrant: true,
  async run(push, _say, signal) {
    const { commands, pass, git } = push
    const grant = { agent: pass.agent, terms: pass.terms }
    const branches = commands.filter(command => !isDelete(command) && !isTag(command))
    if (branches.length === 0) return []
    // They answer most of it; without them, because there is too much for example, git does.
    const commits = await newCommits(push, signal).catch((): Commits => new Map())
    signal.throwIfAborted()
    const [types, ancestries] = await Promise.all([
      typesOf(git, branches, commits, signal),
      ancestriesOf(
        git,
        branches.filter(command => !isCreate(command)),
        commits,
        signal,
      ),
    ])
    const refuse = refuserFor(grant, pass.repository.name)
    const refusals: Refusal[] = []
    for (const command of branches) {
      const { ref, old, new: tip } = command
      const type = types.get(tip)
      const ancestry = ancestries.get(ref)
      if (type !== 'commit') refusals.push(noCommit(command, type))
      else if (ancestry === 'unknown')
        refusals.push({
          ref,
          reason: 'its old value is not known here; upstream has moved',
          detail: [`it was ${old}`],
          remedy: ['git fetch origin, then push again'],
        })
      else if (ancestry !== undefined && !mayDo(grant, ref, ancestry))
        refusals.push(refuse(command, ancestry))
    }
    return refusals
  },
}

/** Types of the objects that branches are to stand at, by id; those that are not there are left out. */
async function typesOf(
  git: Git,
  branches: readonly Command[],
  commits: Commits,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const tips = new Set(branches.map(({ new: tip }) => tip))
  const types = new Map<string, string>([...tips].filter(tip => commits.has(tip)).map(tip => [tip, 'commit']))
  const others = [...tips].filter(tip => !commits.has(tip))
  if (others.length === 0) return types
  await using objects = new ObjectReader(git, signal)
  for await (const info of objects.info(others)) if (info) types.set(info.id, info.type)
  return types
}

/** So many histories are looked into at once. */
const AT_ONCE = 4

/** By ref: is its update a fast-forward, or a force; unknown where its old value is not here. */
async function ancestriesOf(
  git: Git,
  updates: readonly Command[],
  commits: Commits,
  signal: AbortSignal,
): Promise<Map<string, 'update' | 'force' | 'unknown'>> {
  const found = new Map<string, 'update' | 'force' | 'unknown'>()
  const left = updates.values()
  const look = async () => {
    for (const { ref, old, new: tip } of left) {
      if (leadsTo(old, tip, commits)) {
        found.set(ref, 'update')
        continue
      }
      const { code } = await git.run(['merge-base', '--is-ancestor', old, tip], { signal })
      found.set(ref, code === 0 ? 'update' : code === 1 ? 'force' : 'unknown')
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, look))
  return found
}

/** So many new commits are looked at for one ref; git knows of the rest. */
const MOST_STEPS = 100

/** Is `old` a parent of what is new up to `tip`? Then it is an ancestor; it can be one without that. */
function leadsTo(old: string, tip: string, commits: Commits): boolean {
  const seen = new Set([tip])
  for (const id of seen) {
    const parents = commits.get(id) ?? []
    if (parents.includes(old)) return true
    if (seen.size > MOST_STEPS) return false
    for (const parent of parents) if (commits.has(parent)) seen.add(parent)
  }
  return false
}

function noCommit({ ref, new: tip }: Command, type: string | undefined): Refusal {
  return type === undefined
    ? {
        ref,
        reason: 'its objects are missing from the push',
        detail: [],
        remedy: ['git fetch origin, then push again'],
      }
    : {
        ref,
        reason: `a branch holds commits, this is a ${type}`,
        detail: [],
        remedy: [`push it as a tag: git push origin ${tip.slice(0, 12)}:refs/tags/NAME`],
      }
}

const VERB: Record<Action, string> = {
  create: 'create it',
  update: 'update it',
  force: 'force-push it (this push drops commits, or moves a tag)',
  delete: 'delete it',
}

/** So many patterns are named in a refusal. */
const MOST_PATTERNS = 10

/** Refuses what the grant does not allow, and tells of the first refusals what it would. */
function refuserFor(grant: Grant, repository: string): (command: Command, action: Action) => Refusal {
  let refused = 0
  return (command, action) => ({
    ref: command.ref,
    reason: `${grant.agent} ${whatItMay(command.ref, grant, action)}`,
    detail: [`rule: ${grant.agent} has no right to ${VERB[action]}`],
    remedy: refused++ < MOST_REMEDIES ? remedyFor(command, grant, repository, action) : [],
  })
}

/** What the grant says of this action: that it is denied here, or where it is allowed. */
function whatItMay(ref: string, grant: Grant, action: Action): string {
  const denying = decidingRule(grant, ref, action)
  if (denying) return `may not ${action} ${denying.pattern.replaceAll('{agent}', grant.agent)}`
  const patterns = grant.terms.rules.filter(rule => rule.allow.includes(action)).map(rule => rule.pattern)
  if (patterns.length === 0) return `may ${action} no ref here`
  const more = patterns.length - MOST_PATTERNS
  const named = patterns.slice(0, MOST_PATTERNS).join(', ').replaceAll('{agent}', grant.agent)
  return `may ${action} ${named}${more > 0 ? ` and ${more} more patterns` : ''} only`
}

/** The nearest thing that would be allowed, as a command. */
function remedyFor(command: Command, grant: Grant, repository: string, action: Action): string[] {
  const ask = `ask for the right: an operator gives it with git gate grant set ${grant.agent} ${repository}`
  if (action === 'delete') return [`leave the ref, or ${ask}`]
  if (action === 'force' && isTag(command)) return [`choose a new tag name, or ${ask}`]
  if (action === 'force' && mayDo(grant, command.ref, 'update'))
    return [
      'keep the commits that are there: git fetch origin, then git rebase or git merge onto them, then push without --force',
    ]
  const near = refNamedAfter(leafOf(command.ref), isTag(command) ? 'tags' : 'heads', grant)
  return near && near !== command.ref ? [`git push origin ${command.new.slice(0, 12)}:${near}`] : [ask]
}

/** A ref's name as the last part of another one. */
const leafOf = (ref: string) =>
  ref
    .split('/')
    .slice(2)
    .join('-')
    .replaceAll(/[^\p{L}\p{N}_.-]/gu, '-')
    .replace(/^[-.]+/, '') || 'change'
