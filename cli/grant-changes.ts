import { type Action, describeAsk, type GrantTerms, type Rule } from '../src/contract/grant.ts'
import { type GrantOptions, toTerms } from './options/grant-options.ts'

/** Options of `grant set`: a value sets that part of the grant, false clears it, and undefined keeps it. */
export type GrantChanges = {
  [Part in keyof Omit<GrantOptions, 'read'>]?: GrantOptions[Part] | false | undefined
} & { read?: boolean | undefined }

type Refs = 'tags' | 'others'

/** The actions that each option grants, and on which refs. */
const GRANTED: Readonly<Record<'push' | 'force' | 'delete' | 'tags', { refs: Refs; actions: Action[] }>> = {
  push: { refs: 'others', actions: ['create', 'update'] },
  force: { refs: 'others', actions: ['force'] },
  delete: { refs: 'others', actions: ['delete'] },
  tags: { refs: 'tags', actions: ['create'] },
}

/**
 * Changes the given parts of the terms and keeps every other part. Throws a UsageError on an invalid value.
 */
export function changeTerms(before: GrantTerms, changes: GrantChanges): GrantTerms {
  const { read, push, force, delete: remove, deny, tags, ...limits } = changes
  let remaining = before.rules
  if (read) remaining = []
  for (const [option, { refs, actions }] of Object.entries(GRANTED))
    if (changes[option as keyof typeof GRANTED] !== undefined)
      remaining = withoutActions(remaining, refs, actions)
  if (deny !== undefined) remaining = remaining.map(rule => ({ ...rule, deny: [] })).filter(hasEffect)
  const added = toTerms({
    read: true,
    push: push || [],
    force: force || [],
    delete: remove || [],
    tags: tags || [],
    deny: deny || [],
  }).rules
  const denied = added.filter(rule => rule.deny.length)
  const allowed = added.filter(rule => rule.allow.length)
  const rules = [...denied, ...mergeAllowed(remaining, allowed)]
  return toTerms({ ...changedLimits(before, limits), read: true }, rules)
}

/** Removes these allowed actions from rules for tags or for other refs, and rules that become empty. */
function withoutActions(rules: readonly Rule[], refs: Refs, actions: readonly Action[]): Rule[] {
  return rules
    .map(rule =>
      rule.pattern.startsWith('refs/tags/') === (refs === 'tags')
        ? { ...rule, allow: rule.allow.filter(action => !actions.includes(action)) }
        : rule,
    )
    .filter(hasEffect)
}

const hasEffect = (rule: Rule) => rule.allow.length > 0 || rule.deny.length > 0

/** Adds allowed actions to the rule of the same pattern, or appends a rule after every deny. */
function mergeAllowed(kept: readonly Rule[], allowed: readonly Rule[]): Rule[] {
  const merged = kept.map(rule => {
    const same = allowed.find(({ pattern }) => pattern === rule.pattern)
    return same ? { ...rule, allow: [...new Set([...rule.allow, ...same.allow])] } : rule
  })
  return [...merged, ...allowed.filter(({ pattern }) => !kept.some(rule => rule.pattern === pattern))]
}

type Limits = Omit<GrantChanges, 'read' | 'push' | 'force' | 'delete' | 'deny' | 'tags'>

const changedOr = <T>(changed: T | false | undefined, cleared: T, before: T): T =>
  changed === undefined ? before : changed === false ? cleared : changed

function changedLimits(before: GrantTerms, changes: Limits): Omit<GrantTerms, 'rules'> {
  const maxBlobBytes = changedOr<number | undefined>(changes.maxBlobBytes, undefined, before.maxBlobBytes)
  return {
    pushOptions: changedOr(changes.pushOptions, [], before.pushOptions),
    pullRequests: changedOr(changes.pullRequests, [], before.pullRequests),
    hostApi: changedOr(changes.hostApi, 'none', before.hostApi),
    denyPaths: changedOr(changes.denyPaths, [], before.denyPaths),
    ask: changedOr(changes.ask, [], before.ask),
    emails: changedOr(changes.emails, [], before.emails),
    allowedSigners: changedOr(changes.allowedSigners, '', before.allowedSigners),
    symlinks: changes.symlinks ?? before.symlinks,
    submodules: changes.submodules ?? before.submodules,
    ...(maxBlobBytes === undefined ? {} : { maxBlobBytes }),
  }
}

/** Returns descriptions of the restrictions of `before` that `after` lacks. */
export function droppedRestrictions(before: GrantTerms, after: GrantTerms): string[] {
  const lacking = (kept: readonly string[], all: readonly string[]) =>
    all.filter(each => !kept.includes(each))
  const denied = (terms: GrantTerms) =>
    terms.rules.flatMap(rule => rule.deny.map(a => `${a} of ${rule.pattern}`))
  return [
    ...lacking(denied(after), denied(before)).map(each => `the deny of ${each}`),
    ...lacking(after.denyPaths, before.denyPaths).map(each => `the denied path ${each}`),
    ...lacking(after.ask.map(describeAsk), before.ask.map(describeAsk)).map(
      each => `the approval of ${each}`,
    ),
    // More allowed addresses restrict less, and an empty list restricts nothing.
    ...(before.emails.length > 0 && (after.emails.length === 0 || lacking(before.emails, after.emails).length)
      ? [`the e-mail addresses ${before.emails.join(', ')}`]
      : []),
    ...(before.allowedSigners && after.allowedSigners !== before.allowedSigners
      ? ['the allowed signers']
      : []),
    ...(!before.symlinks && after.symlinks ? ['the refusal of symbolic links'] : []),
    ...(!before.submodules && after.submodules ? ['the refusal of submodules'] : []),
    ...(before.maxBlobBytes !== undefined && (after.maxBlobBytes ?? Infinity) > before.maxBlobBytes
      ? [`the limit of ${before.maxBlobBytes} bytes a file`]
      : []),
  ]
}
