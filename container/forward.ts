import { ZERO_ID } from '../src/contract/names.ts'
import { AFTERWARDS } from '../src/contract/outcome.ts'
import type { Upstream } from '../src/contract/pass.ts'
import { askUpstream } from './ask-upstream.ts'
import { type Command, isDelete, printable } from './commands.ts'
import type { Git } from './git.ts'
import type { RefStatus } from './report.ts'
import { type Link, UpstreamError, upstreamProblem } from './upstream.ts'

/** What upstream did with a push. `unknown`: it ended without a word, and could not be asked. */
export interface Forwarded {
  readonly outcome: 'accepted' | 'refused' | 'failed'
  readonly refs: readonly RefStatus[]
  /** Why it was not accepted, for the agent; empty when it was. */
  readonly why: string
  readonly upstreamSaid: string
}

/**
 * Pushes to the upstream's URL, each ref leased on the value the agent saw, so that upstream compares and swaps
 * exactly what was asked (git-push(1), --force-with-lease); several refs atomically. It is never cut short by the
 * client: only by its own `deadline`.
 */
export async function forward(
  git: Git,
  link: Link,
  upstream: Upstream,
  commands: readonly Command[],
  pushOptions: readonly string[],
  say: (line: string) => void,
  deadlineMs: number,
  onStart: (pid: number) => void,
): Promise<Forwarded> {
  const deadline = AbortSignal.timeout(deadlineMs)
  const said: string[] = []
  try {
    await link.connect(deadline)
  } catch (error) {
    return {
      outcome: 'failed',
      refs: all(commands, 'the upstream could not be reached'),
      why: wordsOf(error, deadlineMs),
      upstreamSaid: '',
    }
  }
  const borrowed = link.borrow()
  const relay = upstreamLines(line => {
    said.push(line)
    say(`upstream: ${line}`)
  })
  const args = [
    'push',
    '--porcelain',
    '--no-verify',
    '--no-progress',
    ...(commands.length > 1 ? ['--atomic'] : []),
    ...commands.map(c => `--force-with-lease=${c.ref}:${c.old === ZERO_ID ? '' : c.old}`),
    ...pushOptions.map(option => `--push-option=${option}`),
    upstream.url,
    ...commands.map(c => (isDelete(c) ? `:${c.ref}` : `${c.new}:${c.ref}`)),
  ]
  try {
    const ended = await git.run(args, { signal: deadline, env: borrowed.env, onStderr: relay, onStart })
    const porcelain = readPorcelain(ended.stdout.toString('utf8'))
    const upstreamSaid = said.join('\n')
    if (ended.code === 0) return { outcome: 'accepted', refs: all(commands, '', 'ok'), why: '', upstreamSaid }
    const refusedRefs = commands.filter(c => porcelain.get(c.ref)?.flag === '!')
    // A connection that broke after upstream took the push leaves no word of it; ask what stands there.
    if (
      refusedRefs.length === 0 ||
      refusedRefs.some(c =>
        /remote failed to report|failed to report status/.test(porcelain.get(c.ref)?.summary ?? ''),
      )
    ) {
      borrowed.release({ cut: true })
      return await settleByAsking(
        git,
        link,
        upstream,
        commands,
        upstreamProblem(upstream, ended.stderr).message,
        upstreamSaid,
      )
    }
    const refs = commands.map((c): RefStatus => {
      const line = porcelain.get(c.ref)
      return {
        ref: c.ref,
        status: 'ng',
        reason:
          line?.flag === '!'
            ? upstreamReason(line.summary)
            : 'not pushed: another ref of this push was refused by upstream',
      }
    })
    const first = refs.find(({ ref }) => porcelain.get(ref)?.flag === '!')
    return { outcome: 'refused', refs, why: first?.reason ?? 'upstream refused', upstreamSaid }
  } catch (error) {
    if (!deadline.aborted) throw error
    borrowed.release({ cut: true })
    return await settleByAsking(
      git,
      link,
      upstream,
      commands,
      `the upstream did not answer within ${deadlineMs / 1000} s`,
      said.join('\n'),
    )
  } finally {
    borrowed.release()
  }
}

/** A push whose report was lost, told by what its upstream has. */
async function settleByAsking(
  git: Git,
  link: Link,
  upstream: Upstream,
  commands: readonly Command[],
  why: string,
  upstreamSaid: string,
): Promise<Forwarded> {
  const has = await askUpstream(git, link, upstream, commands)
  if (has === 'all of it')
    return { outcome: 'accepted', refs: all(commands, '', 'ok'), why: '', upstreamSaid }
  return { outcome: 'failed', refs: all(commands, why), why: `${why}; ${AFTERWARDS[has]}`, upstreamSaid }
}

const all = (commands: readonly { ref: string }[], reason: string, status: 'ok' | 'ng' = 'ng'): RefStatus[] =>
  commands.map(({ ref }) => ({ ref, status, reason }))

function wordsOf(error: unknown, deadlineMs: number): string {
  return error instanceof UpstreamError
    ? error.message
    : `the upstream did not answer within ${deadlineMs / 1000} s`
}

/** `<flag>\t<from>:<to>\t<summary>` lines by ref (git-push(1), OUTPUT). */
function readPorcelain(text: string): Map<string, { flag: string; summary: string }> {
  const refs = new Map<string, { flag: string; summary: string }>()
  for (const line of text.split('\n')) {
    const [flag, names, summary] = line.split('\t')
    if (flag === undefined || names === undefined || summary === undefined) continue
    refs.set(names.slice(names.lastIndexOf(':') + 1), { flag, summary })
  }
  return refs
}

/** Upstream's reason as git prints it, in brackets after the summary: `[remote rejected] (hook declined)`. */
function upstreamReason(summary: string): string {
  if (/stale info|fetch first|non-fast-forward/.test(summary))
    return 'upstream has moved since you fetched; fetch, then push again'
  const words = /\((.*)\)\s*$/.exec(summary)?.[1] ?? summary
  return `upstream refused: ${printable(words)}`
}

/** Takes `remote: …` lines off git's stderr as they come: they are what upstream says. */
function upstreamLines(tell: (line: string) => void): (chunk: Buffer) => void {
  let rest = ''
  return chunk => {
    rest += chunk.toString('utf8')
    const lines = rest.split(/\r\n|\n|\r/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const words = /^remote: ?(.*)$/.exec(line)?.[1]
      if (words?.trim()) tell(printable(words).trimEnd().slice(0, 1000))
    }
  }
}
