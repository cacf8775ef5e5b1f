import { type Action, type AskRule, matchRef } from '../../src/contract/grant.ts'
import { compileGlob } from '../../src/contract/text/glob.ts'
import { type Command, isCreate, isDelete, isTag } from '../git/command-list.ts'
import type { IncomingPush } from './check.ts'
import { blobSizes } from './file-rules.ts'
import { defaultLimits, inBytes, type Limits } from './limits.ts'
import { isContent } from './objects/changed-paths.ts'
import { droppedChanges } from './objects/dropped-changes.ts'
import { type NewObjects, newObjectsOf } from './objects/new-objects.ts'
import { type ChangedFile, refChanges } from './objects/ref-changes.ts'
import { updateKinds } from './ref-rules.ts'
import { sanitizeForAgent } from './sanitize-text.ts'

/** A part of a push that needs approvals. */
export interface Ask {
  readonly reason: string
  readonly approvals: number
}

/** The most refs, paths and files that a reason names. */
const MAX_NAMED = 5

/**
 * Returns the parts of a checked push that need approvals, by the ask rules of its grant. The rules for findings
 * are left out: `disputedFindings` answers them.
 */
export async function asksOf(
  push: IncomingPush,
  settings: { readonly maxBlobBytes: number },
  signal: AbortSignal,
): Promise<Ask[]> {
  const rules = push.pass.terms.ask.filter(rule => !rule.findings)
  if (rules.length === 0) return []
  const limits: Limits = { ...defaultLimits, ...settings }
  const introduced = await newObjectsOf(push, limits, signal)
  const actions = rules.some(({ actions }) => actions.length > 0) ? await actionsOf(push, signal) : new Map()
  const asks: Ask[] = []
  for (const rule of rules) {
    const isOfRefs = rule.refs.length + rule.actions.length > 0
    const isOfFiles = rule.paths.length > 0 || rule.overBytes !== undefined
    const commands = isOfRefs ? matchingCommands(push, rule, actions) : []
    if (isOfRefs && commands.length === 0) continue
    // A commit can be new to this ref although another upstream ref has it, so the ref's own changes count too.
    const updates = isOfFiles ? commands.filter(command => !isDelete(command)) : []
    const changed = updates.length ? await refChanges(push.git, updates, limits.maxObjects, signal) : []
    const parts = [
      ...(isOfRefs ? [commands.map(({ ref }) => nameRef(ref, rule, actions))] : []),
      ...(rule.paths.length ? [await matchingPaths(push, introduced, changed, rule.paths, signal)] : []),
      ...(rule.overBytes === undefined
        ? []
        : [await largeFiles(push, introduced, changed, rule.overBytes, signal)]),
    ]
    if (parts.every(part => part.length > 0))
      asks.push({ reason: parts.map(nameFirst).join('; '), approvals: rule.approvals })
  }
  return asks
}

/**
 * Returns the ask of a push that was refused for nothing but findings whose lines ask for an exception, if its
 * grant has an ask rule for them.
 */
export function disputedFindings({ pass, record }: IncomingPush): Ask | undefined {
  const rules = pass.terms.ask.filter(({ findings }) => findings)
  if (rules.length === 0 || !record.isDisputed) return undefined
  const disputed = record.findings.filter(({ asksForException }) => asksForException)
  return {
    reason: `findings that ask for an exception: ${nameFirst(disputed.map(({ rule, path, line }) => `${rule} in ${path}:${line}`))}`,
    approvals: Math.max(...rules.map(({ approvals }) => approvals)),
  }
}

function nameFirst(all: readonly string[]): string {
  const more = all.length - MAX_NAMED
  return `${all.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

async function actionsOf(push: IncomingPush, signal: AbortSignal): Promise<ReadonlyMap<string, Action>> {
  const updates = push.commands.filter(each => !isDelete(each) && !isCreate(each) && !isTag(each))
  const kinds = await updateKinds(push, updates, signal)
  return new Map(
    push.commands.map(command => {
      if (isDelete(command)) return [command.ref, 'delete']
      if (isCreate(command)) return [command.ref, 'create']
      // An update whose old value is not known counts as one that drops commits.
      return [command.ref, kinds.get(command.ref) === 'update' ? 'update' : 'force']
    }),
  )
}

function matchingCommands(
  { commands, pass }: IncomingPush,
  { refs, actions }: AskRule,
  known: ReadonlyMap<string, Action>,
): Command[] {
  const patterns = refs.map(pattern => pattern.replaceAll('{agent}', pass.agent))
  return commands.filter(({ ref }) => {
    const action = known.get(ref)
    if (patterns.length > 0 && !patterns.some(pattern => matchRef(pattern, ref))) return false
    return actions.length === 0 || (action !== undefined && actions.includes(action))
  })
}

const nameRef = (ref: string, { actions }: AskRule, known: ReadonlyMap<string, Action>): string =>
  actions.length > 0 ? `${known.get(ref)} of ${ref}` : ref

async function matchingPaths(
  push: IncomingPush,
  introduced: NewObjects,
  changed: readonly ChangedFile[],
  globs: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const patterns = globs.map(compileGlob)
  const cached = new Map<string, boolean>()
  const isGuarded = (path: string) => {
    const before = cached.get(path)
    if (before !== undefined) return before
    const matches = patterns.some(pattern => pattern.test(path))
    cached.set(path, matches)
    return matches
  }
  // A merge that drops a parent's change to a path changes the path, too.
  const dropped = await droppedChanges(push.git, introduced, isGuarded, signal)
  const paths = [...introduced.entries, ...changed, ...dropped].map(({ path }) => path).filter(isGuarded)
  return [...new Set(paths)].map(path => `changes ${sanitizeForAgent(path)}`)
}

async function largeFiles(
  push: IncomingPush,
  { blobs, tags, sizes }: NewObjects,
  changed: readonly ChangedFile[],
  overBytes: number,
  signal: AbortSignal,
): Promise<string[]> {
  const paths = new Map([
    ...changed.flatMap(({ id, mode, path }) => (isContent(mode) ? [[id, path] as const] : [])),
    ...tags.flatMap(({ id, type }) => (type === 'blob' ? [[id, 'a tagged file'] as const] : [])),
    ...[...blobs].map(([id, places]) => [id, places[0]?.path ?? id] as const),
  ])
  const found = await blobSizes(push, [...paths.keys()], sizes, signal)
  return [...found].flatMap(([id, size]) =>
    size > overBytes ? [`${sanitizeForAgent(paths.get(id) ?? id)} is ${inBytes(size)}`] : [],
  )
}
