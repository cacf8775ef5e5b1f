import { ZERO_ID } from '../../../src/contract/names.ts'
import type { Command } from '../../commands.ts'
import type { Git } from '../../git.ts'
import type { Introduced } from '../introduced.ts'
import { type Limits, OverLimit } from '../limits.ts'
import { ObjectReader } from '../object-reader.ts'
import { Budget } from './budget.ts'
import type { Located } from './locate.ts'
import { collect } from './source.ts'
import { viewsOf } from './views.ts'

/** The most of upstream's files that is read to compare with, in files and bytes; beyond, a finding stands. */
const MAX_FILES = 2_000
const MAX_BYTES = 128 << 20
/** A shorter text is in many files by chance. */
const MIN_SECRET = 6

interface Options {
  readonly git: Git
  readonly commands: readonly Command[]
  readonly introduced: Omit<Introduced, 'entries'>
  readonly limits: Limits
  /** Files beyond the limits will be looked into elsewhere. */
  readonly partial: boolean
  readonly folder: string
  readonly signal: AbortSignal
}

/**
 * Those of `found` that upstream already has, and the push only moves, touches or copies:
 * 1. the secret is in what a commit's parents had, in a file that the same commit changes, moves or deletes;
 * 2. or in upstream's file of the same path, on its default branch, at a pushed ref's old end, or at a new commit's parent;
 * 3. or the whole file is somewhere else in upstream's tree that the push starts from.
 * It is asked only about findings, so what it costs grows with these, and never with the repository's history.
 */
export async function knownUpstream(found: readonly Located[], options: Options): Promise<Set<Located>> {
  const known = new Set<Located>()
  if (found.length === 0) return known
  await using objects = new ObjectReader(options.git, options.signal)
  const bySecret = Map.groupBy(found, each => each.secret)

  const candidates = new Map<string, Set<string>>()
  const suggest = (blob: string, secret: string) => {
    const secrets = candidates.get(blob) ?? new Set<string>()
    secrets.add(secret)
    candidates.set(blob, secrets)
  }
  for (const [secret, places] of bySecret) {
    if (secret.length < MIN_SECRET) continue
    for (const { item } of places) {
      const before = options.introduced.before.get(item.commit)
      if (!before) continue
      if (item.kind === 'file name' && [...before.keys()].some(path => path.includes(secret))) mark(secret)
      const same = before.get(item.path)
      if (same) suggest(same, secret)
      for (const blob of before.values()) suggest(blob, secret)
    }
  }
  for (const [name, about] of namesAtTips(found, options)) {
    for await (const info of objects.info([name])) {
      if (info?.type !== 'blob') continue
      for (const each of about) {
        if (each.item.blob === info.id) known.add(each)
        else if (each.secret.length >= MIN_SECRET) suggest(info.id, each.secret)
      }
    }
  }
  await lookIn(candidates, objects, options, mark)
  for (const each of await wholeFiles(
    found.filter(each => !known.has(each)),
    options,
  ))
    known.add(each)
  return known

  function mark(secret: string): void {
    for (const each of bySecret.get(secret) ?? []) known.add(each)
  }
}

/** `<commit>:<path>` for each finding in a file, on the few commits of upstream that it is compared with. */
function namesAtTips(found: readonly Located[], { commands, introduced }: Options): Map<string, Located[]> {
  const names = new Map<string, Located[]>()
  const olds = commands.map(command => command.old as string).filter(id => id !== ZERO_ID)
  for (const each of found) {
    const { blob, path, commit } = each.item
    if (!blob || /[\n\0\ufffd]/.test(path)) continue
    const parents = (introduced.commits.get(commit) ?? []).filter(parent => !introduced.commits.has(parent))
    for (const tip of new Set(['HEAD', ...olds, ...parents])) {
      const name = `${tip}:${path}`
      names.set(name, [...(names.get(name) ?? []), each])
    }
  }
  return names
}

async function lookIn(
  candidates: ReadonlyMap<string, ReadonlySet<string>>,
  objects: ObjectReader,
  { limits, folder, signal, partial }: Options,
  mark: (secret: string) => void,
): Promise<void> {
  let bytes = 0
  const ids: string[] = []
  const wanted = [...candidates.keys()].slice(0, MAX_FILES)
  for await (const info of objects.info(wanted)) {
    if (!info || info.size > limits.maxBlobBytes) continue
    bytes += info.size
    if (partial && bytes > limits.maxBytes) throw new OverLimit('much of upstream to compare with', '')
    if (bytes > MAX_BYTES) break
    ids.push(info.id)
  }
  const open = new Set([...candidates.values()].flatMap(secrets => [...secrets]))
  for await (const object of objects.contents(ids, 1 << 20)) {
    const secrets = [...(candidates.get(object.id) ?? [])].filter(secret => open.has(secret))
    if (secrets.length === 0) continue
    const source = await collect(object.parts, folder)
    try {
      for await (const view of viewsOf(source, { path: '', folder, budget: new Budget(limits), signal })) {
        for (const secret of secrets) {
          if (!open.has(secret) || !view.content.includes(secret)) continue
          open.delete(secret)
          mark(secret)
        }
      }
    } catch (error) {
      // Upstream's own file is too deep to look into: the finding stands.
      if (!(error instanceof OverLimit) || partial) throw error
    } finally {
      await source.dispose()
    }
    if (open.size === 0) return
  }
}

/** Git's own answer to which files of the push are new to the trees it starts from (rev-list --objects). */
async function wholeFiles(found: readonly Located[], { git, commands, signal }: Options): Promise<Located[]> {
  const blobs = new Set(found.flatMap(each => each.item.blob ?? []))
  if (blobs.size === 0) return []
  const fresh = await git.text(['rev-list', '--objects', '--no-object-names', '--stdin', '--not', '--all'], {
    signal,
    input: `${commands.flatMap(({ new: id }) => (id === ZERO_ID ? [] : [id])).join('\n')}\n`,
    maxOutput: 64 << 20,
  })
  for (const id of fresh.split('\n')) blobs.delete(id)
  return found.filter(each => each.item.blob !== undefined && blobs.has(each.item.blob))
}
