import { StringDecoder } from 'node:string_decoder'
import { AFTERWARDS } from '../../src/contract/outcome.ts'
import type { Upstream } from '../../src/contract/pass.ts'
import { type Command, type CommandList, printable } from '../git/command-list.ts'
import type { Git } from '../git/git.ts'
import type { RefStatus } from '../git/report-status.ts'
import { type FirstLines, firstLines } from '../process/bounded-lines.ts'
import type { Ended } from '../process/spawn.ts'
import { type Link, UpstreamError, upstreamProblem } from '../upstream/ssh-link.ts'
import { askUpstream } from './query-upstream.ts'
import { holdPush } from './staged-push.ts'

/** What upstream did with a push. `unknown`: it ended without a word, and could not be asked. */
export interface Forwarded {
  readonly outcome: 'accepted' | 'refused' | 'failed'
  readonly refs: readonly RefStatus[]
  /** Why it was not accepted, for the agent; empty when it was. */
  readonly why: string
  readonly upstreamSaid: string
}

/** One push on its way to upstream. */
export interface Forward {
  /**
   * Sends it, and answers with what upstream says. It is never cut short by the client: only by its own deadline.
   * `onStart` is told the process group that does it.
   */
  send(onStart: (pid: number) => void): Promise<Forwarded>
  /** Ends what was begun ahead; nothing is sent that has not been. */
  drop(): void
}

/** The longest line of upstream's that is told, in characters. */
const MAX_LINE = 1_000

/**
 * What is passed on of what upstream says, in characters: it can say more than a client takes in the time, and all of
 * that would wait in memory.
 */
const MOST_RELAYED = 16 << 20

/** What is kept on record of what upstream says. */
const MOST_SAID = { bytes: 128 << 10, lines: 1_000 }

/**
 * Makes a push's connection to upstream ahead, while it is being checked. What becomes of that is no matter until it
 * is to be sent: what does not stand then is begun anew.
 */
export function prepareForward(
  git: Git,
  linkTo: () => Promise<Link>,
  upstream: Upstream,
  { commands, pushOptions }: Pick<CommandList, 'commands' | 'pushOptions'>,
  say: (line: string) => void,
  deadlineMs: number,
): Forward {
  const said = firstLines(MOST_SAID)
  const hold = async (signal: AbortSignal) => {
    const link = await linkTo()
    const borrowed = await link.borrow(signal)
    let left = MOST_RELAYED
    const relay = upstreamLines(line => {
      said.add(line)
      if (left <= 0) return
      left -= line.length
      say(left > 0 ? `upstream: ${line}` : 'git-gate: upstream says more, which is not passed on')
    })
    return { link, push: holdPush(git, borrowed, upstream, commands, pushOptions, relay) }
  }
  const dropped = new AbortController()
  const ahead = hold(dropped.signal).catch(() => undefined)
  const drop = () => {
    dropped.abort(new Error('the push was not sent'))
    ahead.then(held => held?.push.drop())
  }
  return {
    drop,
    async send(onStart) {
      const deadline = AbortSignal.timeout(deadlineMs)
      let held = await Promise.race([ahead, abortOf(deadline)])
      if (!held?.push.usable()) {
        held?.push.drop()
        try {
          held = await hold(deadline)
        } catch (error) {
          const refs = all(commands, 'the upstream could not be reached')
          return { outcome: 'failed', refs, why: wordsOf(error, deadlineMs), upstreamSaid: '' }
        }
      }
      const { pid, ended } = held.push.send(deadline)
      onStart(pid)
      return await whatCame(ended, deadline, deadlineMs, { git, link: held.link, upstream, commands, said })
    },
  }
}

const abortOf = (signal: AbortSignal) =>
  new Promise<undefined>(resolve => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })

interface Sent {
  readonly git: Git
  readonly link: Link
  readonly upstream: Upstream
  readonly commands: readonly Command[]
  /** What upstream has said, line by line. */
  readonly said: FirstLines
}

async function whatCame(
  sent: Promise<Ended>,
  deadline: AbortSignal,
  deadlineMs: number,
  { git, link, upstream, commands, said }: Sent,
): Promise<Forwarded> {
  try {
    const ended = await sent
    const porcelain = readPorcelain(ended.stdout.toString('utf8'))
    const upstreamSaid = said.all.join('\n')
    if (ended.code === 0) return { outcome: 'accepted', refs: all(commands, '', 'ok'), why: '', upstreamSaid }
    const refusedRefs = commands.filter(c => porcelain.get(c.ref)?.flag === '!')
    // A connection that broke after upstream took the push leaves no word of it; ask what stands there.
    if (
      refusedRefs.length === 0 ||
      refusedRefs.some(c =>
        /remote failed to report|failed to report status/.test(porcelain.get(c.ref)?.summary ?? ''),
      )
    )
      return await settleByAsking(
        git,
        link,
        upstream,
        commands,
        upstreamProblem(upstream, ended.stderr).message,
        upstreamSaid,
      )
    const causes = new Map(
      refusedRefs
        .map(({ ref }) => [ref, porcelain.get(ref)?.summary ?? ''] as const)
        .filter(([, summary]) => !isBystander(summary))
        .map(([ref, summary]) => [ref, upstreamReason(summary)]),
    )
    const refs = commands.map(({ ref }): RefStatus => {
      const reason = causes.get(ref) ?? 'not pushed: another ref of this push was refused by upstream'
      return { ref, status: 'ng', reason }
    })
    const [why = 'upstream refused'] = causes.values()
    return { outcome: 'refused', refs, why, upstreamSaid }
  } catch (error) {
    if (!deadline.aborted) throw error
    return await settleByAsking(
      git,
      link,
      upstream,
      commands,
      `the upstream did not answer within ${deadlineMs / 1000} s`,
      said.all.join('\n'),
    )
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

/** A ref that nothing was wrong with but the push: what git says of it when another one of an atomic push is refused. */
const isBystander = (summary: string) => /\(atomic push fail(ed|ure)\)\s*$/.test(summary)

/** Upstream's reason as git prints it, in brackets after the summary: `[remote rejected] (hook declined)`. */
function upstreamReason(summary: string): string {
  if (/^\[rejected\] \((stale info|fetch first|non-fast-forward)\)/.test(summary))
    return 'upstream has moved since you fetched; fetch, then push again'
  const said = summary.trimEnd()
  const open = said.indexOf('(')
  const words = open >= 0 && said.endsWith(')') ? said.slice(open + 1, -1) : summary
  return `upstream refused: ${printable(words)}`
}

/** Takes `remote: …` lines off git's stderr as they come: they are what upstream says. */
function upstreamLines(tell: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return chunk => {
    rest += decoder.write(chunk)
    const lines = rest.split(/\r\n|\n|\r/)
    rest = (lines.pop() ?? '').slice(0, MAX_LINE)
    for (const line of lines) {
      const words = /^remote: ?(.*)$/.exec(line)?.[1]
      if (words?.trim()) tell(printable(words).trimEnd().slice(0, MAX_LINE))
    }
  }
}
