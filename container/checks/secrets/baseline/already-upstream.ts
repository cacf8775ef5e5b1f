import type { Command } from '../../../git/command-list.ts'
import type { Git } from '../../../git/git.ts'
import { UPSTREAM_CONTENT } from '../../../git/ref-list.ts'
import type { NewObjects } from '../../objects/new-objects.ts'
import { ObjectReader } from '../../objects/object-reader.ts'
import type { LocatedMatch } from '../gitleaks/locate.ts'
import { type BaselineOptions, type Candidate, UpstreamContents } from './upstream-contents.ts'

/**
 * The most other files of upstream that one commit's findings are compared with, and the most pairs of file and secret.
 */
const MAX_SIBLINGS = 2_000
const MAX_PAIRS = 2_000_000
/**
 * The most branches of upstream whose file at a finding's path is read, newest first, and the most such lookups of a
 * push.
 */
const MAX_BRANCHES = 200
const MAX_NAMES = 20_000
/** The most commits whose other files are compared, and the most commits whose trees are listed. */
const MAX_COMMITS = 50
const MAX_WALKS = 10
/** The shortest secret that is compared, in characters. A shorter text occurs in many files by chance. */
const MIN_SECRET = 6
/** The limits of the search through whole trees: the shortest secret in characters, the most secrets, and the time. */
const GREP = { minLength: 16, maxSecrets: 100, ms: 5_000 }

interface Options extends BaselineOptions {
  readonly git: Git
  readonly commands: readonly Command[]
}

/**
 * Returns the findings that upstream already has, so that moving, touching or copying a file raises none again.
 * Upstream has the contents of its branch tips, and for a new commit also those of the upstream commits that it
 * builds on.
 * A finding in a file is known when its secret is
 * 1. in upstream's file of the same path, or of the path at which the commit's parent has the file;
 * 2. or in another file of upstream that the commit, or a new commit below it, changes, moves or deletes;
 * 3. or anywhere in the tree of the default branch or a pushed branch; or when the whole file is in an upstream
 * tree that the commit builds on.
 * A finding in a file name is known when upstream has a file of that name, or the commit moves a file whose name
 * holds the secret. No other finding is known: a file of upstream does not excuse a secret in a message.
 * The cost grows with the findings, never with the repository's history.
 */
export async function findKnownUpstream(
  matches: readonly LocatedMatch[],
  options: Options,
): Promise<Set<LocatedMatch>> {
  const upstreamMatches = new Set<LocatedMatch>()
  if (matches.length === 0) return upstreamMatches
  await using objects = new ObjectReader(options.git, options.signal)
  const contents = new UpstreamContents(objects, options)
  const tips = await branchTips(options)
  for (const match of await knownFileNames(matches, tips, objects, options)) upstreamMatches.add(match)
  const inFiles = matches.filter(match => match.item.blob !== undefined)
  const stillNew = () => inFiles.filter(match => !upstreamMatches.has(match))
  for (const findCandidates of [ownPaths, changedSiblings, grepTrees]) {
    const remaining = stillNew()
    if (remaining.length === 0) return upstreamMatches
    await contents.scanCandidates(await findCandidates(remaining, tips, objects, options))
    for (const match of remaining) if (contents.covers(match)) upstreamMatches.add(match)
  }
  for (const match of await unchangedFiles(stillNew(), options)) upstreamMatches.add(match)
  return upstreamMatches
}

const isLong = ({ secret }: LocatedMatch) => secret.length >= MIN_SECRET
/** Returns whether git can look the path up as `<commit>:<path>`. */
const isAskablePath = (path: string) => !/[\n\0\ufffd]/.test(path)

interface Tips {
  /** The default branch and the pushed branches, whether upstream has them or not. */
  readonly primary: readonly string[]
  readonly other: readonly string[]
}

/** Returns upstream's branches by the mirror's refs. The old values that the client sent are not used. */
async function branchTips({ git, commands, signal }: Options): Promise<Tips> {
  const text = await git.text(
    ['for-each-ref', '--sort=-committerdate', `--count=${MAX_BRANCHES}`, '--format=%(refname)', 'refs/heads'],
    { signal },
  )
  const pushed = commands.map(command => command.ref as string).filter(ref => ref.startsWith('refs/heads/'))
  const primary = new Set(['HEAD', ...pushed.slice(0, MAX_BRANCHES)])
  return { primary: [...primary], other: text.split('\n').filter(ref => ref !== '' && !primary.has(ref)) }
}

/** Returns the parents of a new commit that upstream has. */
const upstreamParents = (commit: string, { commits }: Pick<NewObjects, 'commits'>) =>
  (commits.get(commit) ?? []).filter(parent => !commits.has(parent))

async function knownFileNames(
  matches: readonly LocatedMatch[],
  { primary, other }: Tips,
  objects: ObjectReader,
  { newObjects }: Options,
): Promise<LocatedMatch[]> {
  const found: LocatedMatch[] = []
  const queried = new Map<string, boolean>()
  for (const match of matches) {
    const { kind, commit, path } = match.item
    if (kind !== 'file name' || !isLong(match)) continue
    const oldPaths = [...(newObjects.before.get(commit)?.keys() ?? [])].filter(oldPath =>
      oldPath.includes(match.secret),
    )
    const tips = [...primary, ...upstreamParents(commit, newObjects), ...other]
    const objectNames = [path, ...oldPaths.slice(0, MAX_COMMITS)]
      .filter(isAskablePath)
      .flatMap(name => tips.map(tip => `${tip}:${name}`))
      .filter(name => !queried.has(name))
      .slice(0, Math.max(0, MAX_NAMES - queried.size))
    let index = 0
    for await (const info of objects.info(objectNames))
      queried.set(objectNames[index++] ?? '', info !== undefined)
    if ([path, ...oldPaths].some(name => tips.some(tip => queried.get(`${tip}:${name}`)))) found.push(match)
  }
  return found
}

/** Returns upstream's files at the findings' own paths. */
async function ownPaths(
  matches: readonly LocatedMatch[],
  { primary, other }: Tips,
  objects: ObjectReader,
  { newObjects }: Options,
): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  const queried = new Map<string, { name: string; belowCommit: string | undefined; secrets: Set<string> }>()
  const query = (tip: string, { item, secret }: LocatedMatch, belowCommit?: string) => {
    const name = `${tip}:${item.path}`
    const key = `${belowCommit} ${name}`
    const entry = queried.get(key)
    if (entry) entry.secrets.add(secret)
    else if (queried.size < MAX_NAMES && isAskablePath(item.path))
      queried.set(key, { name, belowCommit, secrets: new Set([secret]) })
  }
  const longMatches = matches.filter(isLong)
  for (const match of longMatches) {
    const { commit, path } = match.item
    const upstreamBlob = newObjects.before.get(commit)?.get(path)
    if (upstreamBlob) candidates.push({ blob: upstreamBlob, secrets: [match.secret], belowCommit: commit })
    for (const parent of upstreamParents(commit, newObjects)) query(parent, match, commit)
    for (const tip of primary) query(tip, match)
  }
  for (const tip of other) for (const match of longMatches) query(tip, match)
  const entries = [...queried.values()]
  let index = 0
  for await (const info of objects.info(entries.map(({ name }) => name))) {
    const entry = entries[index++]
    if (info && entry) candidates.push({ blob: info.id, ...entry })
  }
  return candidates
}

/**
 * Returns the other files of upstream that a finding's commit, or a new commit below it, changes, moves or deletes,
 * nearest commit first.
 */
async function changedSiblings(
  matches: readonly LocatedMatch[],
  _tips: Tips,
  _objects: ObjectReader,
  { newObjects: { commits, before } }: Options,
): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  const byCommit = Map.groupBy(matches.filter(isLong), match => match.item.commit)
  for (const [commit, commitMatches] of [...byCommit].slice(0, MAX_COMMITS)) {
    const secrets = new Set(commitMatches.map(match => match.secret))
    const max = Math.min(MAX_SIBLINGS, MAX_PAIRS / secrets.size)
    const blobs = new Set<string>()
    const below = new Set([commit])
    for (const belowCommit of below) {
      for (const blob of before.get(belowCommit)?.values() ?? []) {
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

/** Returns the files of the default branch and the pushed branches that hold a line of a secret. */
async function grepTrees(
  matches: readonly LocatedMatch[],
  { primary }: Tips,
  objects: ObjectReader,
  { git, signal }: Options,
): Promise<Candidate[]> {
  const secrets = [...new Set(matches.map(match => match.secret))].filter(
    secret => secret.length >= GREP.minLength,
  )
  if (secrets.length === 0 || secrets.length > GREP.maxSecrets) return []
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

/** Returns the findings whose whole file is in an upstream tree that their commit builds on. */
async function unchangedFiles(matches: readonly LocatedMatch[], options: Options): Promise<LocatedMatch[]> {
  const { commits } = options.newObjects
  const existing = await existingOnly(matches, options)
  const starts = new Set([...commits.keys()].flatMap(id => upstreamParents(id, options.newObjects)))
  if (existing.length === 0 || starts.size === 1) return existing
  // With several such trees, only the trees below the finding's own commit count.
  const byCommit = [...Map.groupBy(existing, match => match.item.commit).values()]
  const found: LocatedMatch[] = []
  for (const commitMatches of byCommit.slice(0, MAX_WALKS))
    found.push(...(await existingOnly(commitMatches, options)))
  return found
}

/** Returns the findings whose blobs are not new below their commits, by git rev-list --objects. */
async function existingOnly(
  matches: readonly LocatedMatch[],
  { git, signal }: Options,
): Promise<LocatedMatch[]> {
  if (matches.length === 0) return []
  const blobs = new Set(matches.map(match => match.item.blob))
  const tips = new Set(matches.map(match => match.item.commit))
  const newIds = await git.text(
    ['rev-list', '--objects', '--no-object-names', '--stdin', '--not', ...UPSTREAM_CONTENT],
    {
      signal,
      input: `${[...tips].join('\n')}\n`,
      maxOutput: 64 << 20,
    },
  )
  for (const id of newIds.split('\n')) blobs.delete(id)
  return matches.filter(match => blobs.has(match.item.blob))
}
