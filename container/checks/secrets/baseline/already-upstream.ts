import type { Git } from '../../../git/git.ts'
import type { Command } from '../../../push/command-list.ts'
import type { Introduced } from '../../objects/new-objects.ts'
import { ObjectReader } from '../../objects/object-reader.ts'
import type { Located } from '../gitleaks/locate.ts'
import { type Clue, type Seeing, SeenUpstream } from './upstream-contents.ts'

/** The most of upstream's other files that a commit's findings are looked for in, and fewer where these are many. */
const MAX_NEIGHBOURS = 2_000
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
const GREP = { least: 16, most: 100, ms: 5_000 }

interface Options extends Seeing {
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
export async function knownUpstream(found: readonly Located[], options: Options): Promise<Set<Located>> {
  const known = new Set<Located>()
  if (found.length === 0) return known
  await using objects = new ObjectReader(options.git, options.signal)
  const upstream = new SeenUpstream(objects, options)
  const tips = await branchTips(options)
  for (const each of await namesUpstream(found, tips, objects, options)) known.add(each)
  const inFiles = found.filter(each => each.item.blob !== undefined)
  const open = () => inFiles.filter(each => !known.has(each))
  for (const clues of [ownPaths, neighbours, anywhere]) {
    const left = open()
    if (left.length === 0) return known
    await upstream.look(await clues(left, tips, objects, options))
    for (const each of left) if (upstream.hasFor(each)) known.add(each)
  }
  for (const each of await wholeFiles(open(), options)) known.add(each)
  return known
}

const isLong = ({ secret }: Located) => secret.length >= MIN_SECRET
/** Can git be asked for it by `<commit>:<path>`? */
const canAsk = (path: string) => !/[\n\0\ufffd]/.test(path)

interface Tips {
  /** The default branch, and the pushed ones, whether upstream has them or not. */
  readonly nearest: readonly string[]
  readonly others: readonly string[]
}

/** Names of the ends of upstream's branches, as they are now: what a client says of a ref's old end is not asked. */
async function branchTips({ git, commands, signal }: Options): Promise<Tips> {
  const text = await git.text(
    ['for-each-ref', '--sort=-committerdate', `--count=${MAX_BRANCHES}`, '--format=%(refname)', 'refs/heads'],
    { signal },
  )
  const pushed = commands.map(command => command.ref as string).filter(ref => ref.startsWith('refs/heads/'))
  const nearest = new Set(['HEAD', ...pushed.slice(0, MAX_BRANCHES)])
  return { nearest: [...nearest], others: text.split('\n').filter(ref => ref !== '' && !nearest.has(ref)) }
}

/** The parents of a new commit that are upstream's. */
const upstreamParents = (commit: string, { commits }: Pick<Introduced, 'commits'>) =>
  (commits.get(commit) ?? []).filter(parent => !commits.has(parent))

async function namesUpstream(
  found: readonly Located[],
  { nearest, others }: Tips,
  objects: ObjectReader,
  { introduced }: Options,
): Promise<Located[]> {
  const known: Located[] = []
  const asked = new Map<string, boolean>()
  for (const each of found) {
    const { kind, commit, path } = each.item
    if (kind !== 'file name' || !isLong(each)) continue
    const had = [...(introduced.before.get(commit)?.keys() ?? [])].filter(old => old.includes(each.secret))
    const ends = [...nearest, ...upstreamParents(commit, introduced), ...others]
    const names = [path, ...had.slice(0, MAX_COMMITS)]
      .filter(canAsk)
      .flatMap(old => ends.map(end => `${end}:${old}`))
      .filter(name => !asked.has(name))
      .slice(0, Math.max(0, MAX_NAMES - asked.size))
    let at = 0
    for await (const info of objects.info(names)) asked.set(names[at++] ?? '', info !== undefined)
    if ([path, ...had].some(old => ends.some(end => asked.get(`${end}:${old}`)))) known.push(each)
  }
  return known
}

/** What upstream has at a finding's own path. */
async function ownPaths(
  found: readonly Located[],
  { nearest, others }: Tips,
  objects: ObjectReader,
  { introduced }: Options,
): Promise<Clue[]> {
  const clues: Clue[] = []
  const asked = new Map<string, { name: string; under: string | undefined; secrets: Set<string> }>()
  const ask = (end: string, { item, secret }: Located, under?: string) => {
    const name = `${end}:${item.path}`
    const key = `${under} ${name}`
    const of = asked.get(key)
    if (of) of.secrets.add(secret)
    else if (asked.size < MAX_NAMES && canAsk(item.path))
      asked.set(key, { name, under, secrets: new Set([secret]) })
  }
  const long = found.filter(isLong)
  for (const each of long) {
    const { commit, path } = each.item
    const before = introduced.before.get(commit)?.get(path)
    if (before) clues.push({ blob: before, secrets: [each.secret], under: commit })
    for (const parent of upstreamParents(commit, introduced)) ask(parent, each, commit)
    for (const end of nearest) ask(end, each)
  }
  for (const end of others) for (const each of long) ask(end, each)
  const all = [...asked.values()]
  let at = 0
  for await (const info of objects.info(all.map(({ name }) => name))) {
    const of = all[at++]
    if (info && of) clues.push({ blob: info.id, ...of })
  }
  return clues
}

/** Upstream's other files that a finding's commit, or a new one below it, changes, moves or deletes; the nearest first. */
async function neighbours(
  found: readonly Located[],
  _tips: Tips,
  _objects: ObjectReader,
  { introduced: { commits, before } }: Options,
): Promise<Clue[]> {
  const clues: Clue[] = []
  const byCommit = Map.groupBy(found.filter(isLong), each => each.item.commit)
  for (const [commit, here] of [...byCommit].slice(0, MAX_COMMITS)) {
    const secrets = new Set(here.map(each => each.secret))
    const most = Math.min(MAX_NEIGHBOURS, MAX_PAIRS / secrets.size)
    const blobs = new Set<string>()
    const below = new Set([commit])
    for (const under of below) {
      for (const blob of before.get(under)?.values() ?? []) {
        if (blobs.has(blob) || blobs.size >= most) continue
        blobs.add(blob)
        clues.push({ blob, secrets, under })
      }
      if (blobs.size >= most) break
      for (const parent of commits.get(under) ?? []) if (commits.has(parent)) below.add(parent)
    }
  }
  return clues
}

/** Files of the default branch and of the pushed ones that have a line of the secret. */
async function anywhere(
  found: readonly Located[],
  { nearest }: Tips,
  objects: ObjectReader,
  { git, signal }: Options,
): Promise<Clue[]> {
  const secrets = [...new Set(found.map(each => each.secret))].filter(each => each.length >= GREP.least)
  if (secrets.length === 0 || secrets.length > GREP.most) return []
  const ends = new Set<string>()
  for await (const info of objects.info(nearest.slice(0, 5).map(ref => `${ref}^{tree}`)))
    if (info) ends.add(info.id)
  if (ends.size === 0) return []
  const longest = (secret: string) =>
    secret.split(/\r?\n/).toSorted((a, b) => b.length - a.length)[0] ?? secret
  const args = ['grep', '--text', '--name-only', '--null', '--fixed-strings', '-f', '-', ...ends]
  const enough = AbortSignal.timeout(GREP.ms)
  const told = await git
    .run(args, {
      signal: AbortSignal.any([signal, enough]),
      input: `${secrets.map(longest).join('\n')}\n`,
      maxOutput: 1 << 20,
    })
    .catch(() => signal.throwIfAborted())
  const names = (told?.stdout.toString('utf8') ?? '').split('\0').filter(name => name !== '' && canAsk(name))
  const clues: Clue[] = []
  for await (const info of objects.info(names.slice(0, MAX_NEIGHBOURS)))
    if (info) clues.push({ blob: info.id, secrets, under: undefined })
  return clues
}

/** Findings whose whole file is in a tree of upstream that their commit starts from. */
async function wholeFiles(found: readonly Located[], options: Options): Promise<Located[]> {
  const { commits } = options.introduced
  const old = await withoutFresh(found, options)
  const starts = new Set([...commits.keys()].flatMap(id => upstreamParents(id, options.introduced)))
  if (old.length === 0 || starts.size === 1) return old
  // Of several such trees, the commit's own count.
  const byCommit = [...Map.groupBy(old, each => each.item.commit).values()]
  const known: Located[] = []
  for (const here of byCommit.slice(0, MAX_WALKS)) known.push(...(await withoutFresh(here, options)))
  return known
}

/** Those whose files are not new below their commits, by git's own answer (rev-list --objects). */
async function withoutFresh(found: readonly Located[], { git, signal }: Options): Promise<Located[]> {
  if (found.length === 0) return []
  const blobs = new Set(found.map(each => each.item.blob))
  const tips = new Set(found.map(each => each.item.commit))
  const fresh = await git.text(['rev-list', '--objects', '--no-object-names', '--stdin', '--not', '--all'], {
    signal,
    input: `${[...tips].join('\n')}\n`,
    maxOutput: 64 << 20,
  })
  for (const id of fresh.split('\n')) blobs.delete(id)
  return found.filter(each => blobs.has(each.item.blob))
}
