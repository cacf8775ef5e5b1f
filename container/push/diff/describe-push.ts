import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import {
  type Changes,
  type DiffPart,
  MAX_REFS,
  type PushDiff,
  type UpdatedRef,
} from '../../../src/contract/companion-api/push-diff.ts'
import { isNullId } from '../../../src/contract/names.ts'
import { type TextMask, textMask } from '../../checks/index.ts'
import type { Git } from '../../git/git.ts'
import { EMPTY_TREE, formatOf } from '../../git/objects/object-format.ts'
import type { HeldPush } from '../../held/held-pushes.ts'
import { ensureIndex } from '../../held/pack-index.ts'
import type { Mirror } from '../../mirror/mirror.ts'
import { readCommits, readFiles, readText } from './read-changes.ts'

const DEADLINE_MS = 20_000

/** How the texts of a push are shown. The texts of an accepted push are at upstream, and need no mask. */
interface Shown {
  readonly mask: TextMask | undefined
  readonly isTextShown: boolean
}

/**
 * Returns the commits that a push brought to each ref, the files that they change, and the diff from their merge base,
 * or of one commit. Reads the mirror, and of a refused push its kept objects. Rejects with UpstreamError if there is no
 * mirror and upstream does not answer, and with the reason of a timeout after DEADLINE_MS.
 */
export async function describePush(
  mirror: Mirror,
  held: HeldPush | undefined,
  { repository, refs, part }: { repository: Upstream; refs: readonly UpdatedRef[]; part: DiffPart },
): Promise<PushDiff[]> {
  const signal = AbortSignal.timeout(DEADLINE_MS)
  // A container that has just started has no mirror yet.
  if (!(await mirror.exists())) await mirror.refresh(repository, signal)
  if (held?.pack !== undefined) await ensureIndex(mirror.git, held.pack, signal)
  const leave = await mirror.enter()
  const git = held ? mirror.git.withEnv({ GIT_ALTERNATE_OBJECT_DIRECTORIES: held.objects }) : mirror.git
  const shown: Shown = {
    mask: held && textMask(held.mask),
    isTextShown: held === undefined || held.mask !== undefined,
  }
  try {
    const all: PushDiff[] = []
    for (const updated of refs.slice(0, MAX_REFS)) {
      const range = await rangeOf(git, updated, part, signal)
      const changes = range && (await changesIn(git, range, { part, shares: refs.length, shown, signal }))
      all.push({ ref: updated.ref, changes: changes ?? null })
    }
    return all
  } finally {
    leave(signal.aborted)
  }
}

/** The commits from `base` (undefined: from the first) to `tip`, and the trees to compare. */
interface Range {
  readonly tip: string
  readonly base: string | undefined
  readonly from: string
  readonly to: string
}

/** Returns undefined if the objects are missing, or if the ref does not have the wanted commit. */
async function rangeOf(
  git: Git,
  updated: UpdatedRef,
  { commit }: DiffPart,
  signal: AbortSignal,
): Promise<Range | undefined> {
  const tip = `${updated.new}^{commit}`
  if (!(await succeeds(git, ['cat-file', '-e', tip], signal))) return undefined
  const base =
    (isNullId(updated.old) ? undefined : await mergeBase(git, `${updated.old}^{commit}`, tip, signal)) ??
    (await mergeBase(git, 'HEAD', tip, signal))
  if (commit === undefined) return { tip, base, from: base ?? EMPTY_TREE[formatOf(updated.new)], to: tip }
  const isIn = await succeeds(git, ['merge-base', '--is-ancestor', commit, tip], signal)
  if (!isIn) return undefined
  const hasParent = await succeeds(git, ['cat-file', '-e', `${commit}^1`], signal)
  return { tip, base, from: hasParent ? `${commit}^1` : EMPTY_TREE[formatOf(updated.new)], to: commit }
}

async function changesIn(
  git: Git,
  { tip, base, from, to }: Range,
  { part, shares, shown, signal }: { part: DiffPart; shares: number; shown: Shown; signal: AbortSignal },
): Promise<Changes> {
  const { mask, isTextShown } = shown
  const { commits, hasMoreCommits } = await readCommits(git, { tip, base, shares }, signal)
  const { files, hasMoreFiles } = await readFiles(git, { from, to, shares }, signal)
  const shownName = (text: string) => mask?.name(text) ?? text
  // A path that is shown redacted cannot be asked for by its name.
  const wanted = files.filter(
    ({ path }) => part.path === undefined || path === part.path || shownName(path) === part.path,
  )
  const paths = part.path === undefined ? undefined : [part.path, ...wanted.map(({ path }) => path)]
  return {
    commits: commits.map(commit => ({
      ...commit,
      subject: shownName(commit.subject),
      author: shownName(commit.author),
      email: shownName(commit.email),
    })),
    hasMoreCommits,
    files: files.map(file => ({
      ...file,
      path: shownName(file.path),
      from: file.from === null ? null : shownName(file.from),
    })),
    hasMoreFiles,
    diff: isTextShown ? await readText(git, { from, to, shares, paths }, mask, signal) : null,
  }
}

async function mergeBase(git: Git, base: string, tip: string, signal: AbortSignal) {
  const found = await git.run(['merge-base', base, tip], { signal })
  return found.code === 0 ? found.stdout.toString('utf8').trim() : undefined
}

const succeeds = async (git: Git, args: readonly string[], signal: AbortSignal) =>
  (await git.run(args, { signal })).code === 0
