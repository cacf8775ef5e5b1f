import type { Git } from '../../../git/git.ts'
import type { Command } from '../../../push/command-list.ts'
import type { Introduced } from '../../objects/new-objects.ts'
import { ObjectReader } from '../../objects/object-reader.ts'
import type { LocatedMatch } from '../gitleaks/locate.ts'
import { type BaselineOptions, type Candidate, UpstreamContents } from './upstream-contents.ts'

/** The most of upstream's other files that a commit's findings are looked for in, and fewer where these are many. */
const MAX_SIBLINGS = 2_000
const MAX_PAIRS = 2_000_000
/** Of upstream's branches, so many of the newest are asked for a finding's path; all findings together ask so often. */
const MAX_BRANCHES = 200
const MAX_NAMES = 20_000
/** The commits that are looked at one by one. */
const MAX_COMMITS = 50
const MAX_WALKS = 10
/** A shorter text is in many files by chance. */
const MIN_SECRET = 6
/** The same where all of upstream's tree is searched: for how long a text, for how many, and how long it takes. */
const GREP = { minLength: 16, max: 100, ms: 5_000 }

interface Options extends BaselineOptions {
  readonly git: Git
  readonly commands: readonly Command[]
}

/**
 * Those of `found` that upstream already has, and the push only moves, touches or copies. What upstream has is what
 * the ends of its branches hold, and for a new commit also what the commits of upstream below it hold.
 * A finding in a file is known when its secret is
 * 1. in upstream's file of the same path, or of the path that the commit's parent has it at;
 * 2. or in another file of upstream that the commit, or a new one below it, changes, moves or deletes;
 * 3. or anywhere in the tree of the default branch or a pushed one; or when the whole file is in a tree below it.
 * A file's name is known when upstream has a file of that name, or the commit moves one whose name has the secret.
 * Nothing else is: a secret in a file of upstream does not excuse one in a message.
 * It is asked only about findings, so what it costs grows with these, and never with the repository's history.
 */
export async function findKnownUpstream(
  found: readonly LocatedMatch[],
  options: Options,
): Promise<Set<LocatedMatch>> {
  const known = new Set<LocatedMatch>()
  if (found.length === 0) return known
  await using objects = new ObjectReader(options.git, options.signal)
  const contents = new UpstreamContents(objects, options)
  const tips = await branchTips(options)
  for (const each of await knownFileNames(found, tips, objects, options)) known.add(each)
  const inFiles = found.filter(each => each.item.blob !== undefined)
  const stillNew = () => inFiles.filter(each => !known.has(each))
  for (const candidates of [ownPaths, changedSiblings, grepTrees]) {
    const remaining = stillNew()
    if (remaining.length === 0) return known
    await contents.scanCandidates(await candidates(remaining, tips, objects, options))
    for (const each of remaining) if (contents.covers(each)) known.add(each)
  }
  for (const each of await unchangedFiles(stillNew(), options)) known.add(each)
  return known
}

const isLong = ({ secret }: LocatedMatch) => secret.length >= MIN_SECRET
/** Can git be asked for it by `<commit>:<path>`? */
const isAskablePath = (path: string) => !/[\n\0\ufffd]/.test(path)

interface Tips {
  /** The default branch, and the pushed ones, whether upstream has them or not. */
  readonly primary: readonly string[]
  readonly other: readonly string[]
}

/** Names of the ends of upstream's branches, as they are now: what a client says of a ref's old end is not asked. */
async function branchTips({ git, commands, signal }: Options): Promise<Tips> {
  const text = await git.text(
    ['for-each-ref', '--sort=-committerdate', `--count=${MAX_BRANCHES}`, '--format=%(refname)', 'refs/heads'],
    { signal },
  )
  const pushed = commands.map(command => command.ref as string).filter(ref => ref.startsWith('refs/heads/'))
  const primary = new Set(['HEAD', ...pushed.slice(0, MAX_BRANCHES)])
  return { primary: [...primary], other: text.split('\n').filter(ref => ref !== '' && !primary.has(ref)) }
}

/** The parents of a new commit that are upstream's. */
const upstreamParents = (commit: string, { commits }: Pick<Introduced, 'commits'>) =>
  (commits.get(commit) ?? []).filter(parent => !commits.has(parent))

async function knownFileNames(
  found: readonly LocatedMatch[],
  { primary, other }: Tips,
  objects: ObjectReader,
  { newObjects: introduced }: Options,
): Promise<LocatedMatch[]> {
  const known: LocatedMatch[] = []
  const queried = new Map<string, boolean>()
  for (const each of found) {
    const { kind, commit, path } = each.item
    if (kind !== 'file name' || !isLong(each)) continue
    const oldPaths = [...(introduced.before.get(commit)?.keys() ?? [])].filter(existing =>
      existing.includes(each.secret),
    )
    const tips = [...primary, ...upstreamParents(commit, introduced), ...other]
    const objectNames = [path, ...oldPaths.slice(0, MAX_COMMITS)]
      .filter(isAskablePath)
      .flatMap(existing => tips.map(end => `${end}:${existing}`))
      .filter(name => !queried.has(name))
      .slice(0, Math.max(0, MAX_NAMES - queried.size))
    let index = 0
    for await (const info of objects.info(objectNames))
      queried.set(objectNames[index++] ?? '', info !== undefined)
    if ([path, ...oldPaths].some(existing => tips.some(end => queried.get(`${end}:${existing}`))))
      known.push(each)
  }
  return known
}

/** What upstream has at a finding's own path. */
async function ownPaths(
  found: readonly LocatedMatch[],
  { primary, other }: Tips,
  objects: ObjectReader,
  { newObjects: introduced }: Options,
): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  const queried = new Map<string, { name: string; belowCommit: string | undefined; secrets: Set<string> }>()
  const query = (end: string, { item, secret }: LocatedMatch, belowCommit?: string) => {
    const name = `${end}:${item.path}`
    const key = `${belowCommit} ${name}`
    const entry = queried.get(key)
    if (entry) entry.secrets.add(secret)
    else if (queried.size < MAX_NAMES && isAskablePath(item.path))
      queried.set(key, { name, belowCommit, secrets: new Set([secret]) })
  }
  const long = found.filter(isLong)
  for (const each of long) {
    const { commit, path } = each.item
    const upstreamBlob = introduced.before.get(commit)?.get(path)
    if (upstreamBlob) candidates.push({ blob: upstreamBlob, secrets: [each.secret], belowCommit: commit })
    for (const parent of upstreamParents(commit, introduced)) query(parent, each, commit)
    for (const end of primary) query(end, each)
  }
  for (const end of other) for (const each of long) query(end, each)
  const all = [...queried.values()]
  let index = 0
  for await (const info of objects.info(all.map(({ name }) => name))) {
    const entry = all[index++]
    if (info && entry) candidates.push({ blob: info.id, ...entry })
  }
  return candidates
}

/** Upstream's other files that a finding's commit, or a new one below it, changes, moves or deletes; the nearest first. */
async function changedSiblings(
  found: readonly LocatedMatch[],
  _tips: Tips,
  _objects: ObjectReader,
  { newObjects: { commits, before: upstreamBlob } }: Options,
): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  const byCommit = Map.groupBy(found.filter(isLong), each => each.item.commit)
  for (const [commit, commitFindings] of [...byCommit].slice(0, MAX_COMMITS)) {
    const secrets = new Set(commitFindings.map(each => each.secret))
    const max = Math.min(MAX_SIBLINGS, MAX_PAIRS / secrets.size)
    const blobs = new Set<string>()
    const below = new Set([commit])
    for (const belowCommit of below) {
      for (const blob of upstreamBlob.get(belowCommit)?.values() ?? []) {
        if (blobs.has(blob) || blobs.size >= max) continue
        blobs.add(blob)
        candidates.push({ blob, secrets, belowCommit })
      }
      if (blobs.size >= max) break
      for (const parent of commits.get(belowCommit) ?? []) if (commits.has(parent)) below.add(parent)
    }
  }
  return candidates
}

/** Files of the default branch and of the pushed ones that have a line of the secret. */
async function grepTrees(
  found: readonly LocatedMatch[],
  { primary }: Tips,
  objects: ObjectReader,
  { git, signal }: Options,
): Promise<Candidate[]> {
  const secrets = [...new Set(found.map(each => each.secret))].filter(each => each.length >= GREP.minLength)
  if (secrets.length === 0 || secrets.length > GREP.max) return []
  const tips = new Set<string>()
  for await (const info of objects.info(primary.slice(0, 5).map(ref => `${ref}^{tree}`)))
    if (info) tips.add(info.id)
  if (tips.size === 0) return []
  const longest = (secret: string) =>
    secret.split(/\r?\n/).toSorted((a, b) => b.length - a.length)[0] ?? secret
  const args = ['grep', '--text', '--name-only', '--null', '--fixed-strings', '-f', '-', ...tips]
  const timeout = AbortSignal.timeout(GREP.ms)
  const grep = await git
    .run(args, {
      signal: AbortSignal.any([signal, timeout]),
      input: `${secrets.map(longest).join('\n')}\n`,
      maxOutput: 1 << 20,
    })
    .catch(() => signal.throwIfAborted())
  const objectNames = (grep?.stdout.toString('utf8') ?? '')
    .split('\0')
    .filter(name => name !== '' && isAskablePath(name))
  const candidates: Candidate[] = []
  for await (const info of objects.info(objectNames.slice(0, MAX_SIBLINGS)))
    if (info) candidates.push({ blob: info.id, secrets, belowCommit: undefined })
  return candidates
}

/** Findings whose whole file is in a tree of upstream that their commit starts from. */
async function unchangedFiles(found: readonly LocatedMatch[], options: Options): Promise<LocatedMatch[]> {
  const { commits } = options.newObjects
  const existing = await existingOnly(found, options)
  const starts = new Set([...commits.keys()].flatMap(id => upstreamParents(id, options.newObjects)))
  if (existing.length === 0 || starts.size === 1) return existing
  // Of several such trees, the commit's own count.
  const byCommit = [...Map.groupBy(existing, each => each.item.commit).values()]
  const known: LocatedMatch[] = []
  for (const commitFindings of byCommit.slice(0, MAX_WALKS))
    known.push(...(await existingOnly(commitFindings, options)))
  return known
}

/** Those whose files are not new below their commits, by git's own answer (rev-list --objects). */
async function existingOnly(
  found: readonly LocatedMatch[],
  { git, signal }: Options,
): Promise<LocatedMatch[]> {
  if (found.length === 0) return []
  const blobs = new Set(found.map(each => each.item.blob))
  const tips = new Set(found.map(each => each.item.commit))
  const newObjects = await git.text(
    ['rev-list', '--objects', '--no-object-names', '--stdin', '--not', '--all'],
    {
      signal,
      input: `${[...tips].join('\n')}\n`,
      maxOutput: 64 << 20,
    },
  )
  for (const id of newObjects.split('\n')) blobs.delete(id)
  return found.filter(each => blobs.has(each.item.blob))
}
