import { once } from 'node:events'
import type { ChangedFile, PushedCommit } from '../../../src/contract/companion-api/push-diff.ts'
import type { TextMask } from '../../checks/index.ts'
import type { Git } from '../../git/git.ts'

/** The limits of one answer, as much as a person reads and a page can show. Several refs share them. */
const MAX_COMMITS = 200
const COMMITS_BYTES = 24_000
const MAX_FILES = 200
const FILES_BYTES = 24_000
const DIFF_BYTES = 30_000
const DIFF_LINES = 900

const DIFF_OPTIONS = ['--no-color', '--no-ext-diff', '--no-textconv', '--find-renames']

/** Lists the commits of a range, newest first. */
export async function readCommits(
  git: Git,
  { tip, base, shares }: { tip: string; base: string | undefined; shares: number },
  signal: AbortSignal,
): Promise<{ commits: PushedCommit[]; hasMoreCommits: boolean }> {
  const format = '--format=%H%x00%s%x00%an%x00%ae%x00%aI%x00'
  const log = ['log', '-z', '--no-color', '--no-show-signature', '--encoding=UTF-8', format]
  const range = ['-n', String(MAX_COMMITS + 1), tip, ...(base ? ['--not', base] : [])]
  const { text, truncated } = await readPrefix(git, [...log, ...range], COMMITS_BYTES / shares, signal)
  // -z ends each commit with a further NUL.
  const fields = text.split('\0')
  const commits: PushedCommit[] = []
  for (let first = 0; first + 5 < fields.length; first += 6) {
    const [id = '', subject = '', author = '', email = '', time = ''] = fields.slice(first, first + 5)
    commits.push({ id: id as PushedCommit['id'], subject, author, email, at: time })
  }
  return {
    commits: commits.slice(0, MAX_COMMITS),
    hasMoreCommits: truncated || commits.length > MAX_COMMITS,
  }
}

/** Lists the files that differ between two trees, with their counts of lines. */
export async function readFiles(
  git: Git,
  { from, to, shares }: { from: string; to: string; shares: number },
  signal: AbortSignal,
): Promise<{ files: ChangedFile[]; hasMoreFiles: boolean }> {
  const diff = ['diff', '--numstat', '-z', ...DIFF_OPTIONS, from, to]
  const { text, truncated } = await readPrefix(git, diff, FILES_BYTES / shares, signal)
  const fields = text.split('\0')
  const files: ChangedFile[] = []
  // A renamed file has an empty path, and then its old and its new path (git-diff(1), "--numstat").
  for (let index = 0; index + 1 < fields.length; index++) {
    const [added = '', removed = '', path = ''] = (fields[index] ?? '').split('\t')
    const isRenamed = path === ''
    if (isRenamed && index + 3 >= fields.length) break
    files.push({
      path: isRenamed ? (fields[index + 2] ?? '') : path,
      from: isRenamed ? (fields[index + 1] ?? '') : null,
      added: added === '-' ? null : Number(added),
      removed: removed === '-' ? null : Number(removed),
    })
    if (isRenamed) index += 2
  }
  return { files: files.slice(0, MAX_FILES), hasMoreFiles: truncated || files.length > MAX_FILES }
}

/** Returns the beginning of the diff between two trees, in whole lines; with `paths`, of these files only. */
export async function readText(
  git: Git,
  {
    from,
    to,
    shares,
    paths = [],
  }: { from: string; to: string; shares: number; paths?: readonly string[] | undefined },
  mask: TextMask | undefined,
  signal: AbortSignal,
): Promise<{ text: string; truncated: boolean }> {
  const pathspecs = paths.map(path => `:(literal)${path}`)
  const diff = ['-c', 'core.quotePath=false', 'diff', ...DIFF_OPTIONS, from, to, '--', ...pathspecs]
  const { text, truncated } = await readPrefix(git, diff, DIFF_BYTES / shares, signal)
  const lines = text.split('\n')
  // A secret that is cut off in the last line could not be recognized.
  if (truncated) lines.pop()
  const shown = lines.slice(0, DIFF_LINES / shares)
  return {
    text: (mask ? shown.map(mask.line) : shown).join('\n'),
    truncated: truncated || lines.length > shown.length,
  }
}

/**
 * Returns the first `maxBytes` bytes of git's stdout. Kills git when it prints more. `truncated`: git has more, or has
 * failed.
 */
async function readPrefix(git: Git, args: readonly string[], maxBytes: number, signal: AbortSignal) {
  const limitReached = new AbortController()
  const child = git.spawn(args, { signal: AbortSignal.any([signal, limitReached.signal]) })
  const ended = once(child, 'close')
  ended.catch(() => {})
  child.stdin?.on('error', () => {}).end()
  child.stderr?.resume()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of child.stdout ?? []) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBytes) break
  }
  if (size > maxBytes) limitReached.abort()
  const [code] = await ended
  signal.throwIfAborted()
  const text = Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8')
  // A git that fails, for lack of memory or of an object, has printed a part: an approver must not take it for all.
  return { text, truncated: size > maxBytes || code !== 0 }
}
