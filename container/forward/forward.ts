import { StringDecoder } from 'node:string_decoder'
import { NEXT_STEP } from '../../src/contract/outcome.ts'
import type { Upstream } from '../../src/contract/pass.ts'
import { type Command, type CommandList, printable } from '../git/command-list.ts'
import type { Git } from '../git/git.ts'
import type { RefStatus } from '../git/report-status.ts'
import { boundedLines, type FirstLines } from '../process/bounded-lines.ts'
import type { ProcessResult } from '../process/spawn.ts'
import { type SshLink, toUpstreamError, UpstreamError } from '../upstream/ssh-link.ts'
import { queryPushState } from './query-upstream.ts'
import { stagePush } from './staged-push.ts'

/** What upstream did with a push. `unknown`: it ended without a word, and could not be asked. */
export interface ForwardResult {
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
  send(onStart: (pid: number) => void): Promise<ForwardResult>
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
export function startForward(
  git: Git,
  linkTo: () => Promise<SshLink>,
  upstream: Upstream,
  { commands, pushOptions }: Pick<CommandList, 'commands' | 'pushOptions'>,
  say: (line: string) => void,
  deadlineMs: number,
): Forward {
  const said = boundedLines(MOST_SAID)
  const hold = async (signal: AbortSignal) => {
    const link = await linkTo()
    const borrowed = await link.acquire(signal)
    let left = MOST_RELAYED
    const relay = parseRemoteLines(line => {
      said.add(line)
      if (left <= 0) return
      left -= line.length
      say(left > 0 ? `upstream: ${line}` : 'git-gate: upstream says more, which is not passed on')
    })
    return { link, push: stagePush(git, borrowed, upstream, commands, pushOptions, relay) }
  }
  const dropped = new AbortController()
  const prewarmed = hold(dropped.signal).catch(() => undefined)
  const drop = () => {
    dropped.abort(new Error('the push was not sent'))
    prewarmed.then(held => held?.push.drop())
  }
  return {
    drop,
    async send(onStart) {
      const deadline = AbortSignal.timeout(deadlineMs)
      let held = await Promise.race([prewarmed, onAbort(deadline)])
      if (!held?.push.isReady()) {
        held?.push.drop()
        try {
          held = await hold(deadline)
        } catch (error) {
          const refs = statusForAll(commands, 'the upstream could not be reached')
          return { outcome: 'failed', refs, why: errorMessage(error, deadlineMs), upstreamSaid: '' }
        }
      }
      const { pid, ended } = held.push.send(deadline)
      onStart(pid)
      return await interpretResult(ended, deadline, deadlineMs, {
        git,
        link: held.link,
        upstream,
        commands,
        said,
      })
    },
  }
}

const onAbort = (signal: AbortSignal) =>
  new Promise<undefined>(resolve => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })

interface SentPush {
  readonly git: Git
  readonly link: SshLink
  readonly upstream: Upstream
  readonly commands: readonly Command[]
  /** What upstream has said, line by line. */
  readonly said: FirstLines
}

async function interpretResult(
  sent: Promise<ProcessResult>,
  deadline: AbortSignal,
  deadlineMs: number,
  { git, link, upstream, commands, said }: SentPush,
): Promise<ForwardResult> {
  try {
    const ended = await sent
    const porcelain = readPorcelain(ended.stdout.toString('utf8'))
    const upstreamSaid = said.all.join('\n')
    if (ended.code === 0)
      return { outcome: 'accepted', refs: statusForAll(commands, '', 'ok'), why: '', upstreamSaid }
    const refusedRefs = commands.filter(c => porcelain.get(c.ref)?.flag === '!')
    // A connection that broke after upstream took the push leaves no word of it; ask what stands there.
    if (
      refusedRefs.length === 0 ||
      refusedRefs.some(c =>
        /remote failed to report|failed to report status/.test(porcelain.get(c.ref)?.summary ?? ''),
      )
    )
      return await resolveByQuery(
        git,
        link,
        upstream,
        commands,
        toUpstreamError(upstream, ended.stderr).message,
        upstreamSaid,
      )
    const causes = new Map(
      refusedRefs
        .map(({ ref }) => [ref, porcelain.get(ref)?.summary ?? ''] as const)
        .filter(([, summary]) => !isAtomicCollateral(summary))
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
    return await resolveByQuery(
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
async function resolveByQuery(
  git: Git,
  link: SshLink,
  upstream: Upstream,
  commands: readonly Command[],
  why: string,
  upstreamSaid: string,
): Promise<ForwardResult> {
  const has = await queryPushState(git, link, upstream, commands)
  if (has === 'all of it')
    return { outcome: 'accepted', refs: statusForAll(commands, '', 'ok'), why: '', upstreamSaid }
  return {
    outcome: 'failed',
    refs: statusForAll(commands, why),
    why: `${why}; ${NEXT_STEP[has]}`,
    upstreamSaid,
  }
}

const statusForAll = (
  commands: readonly { ref: string }[],
  reason: string,
  status: 'ok' | 'ng' = 'ng',
): RefStatus[] => commands.map(({ ref }) => ({ ref, status, reason }))

function errorMessage(error: unknown, deadlineMs: number): string {
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
const isAtomicCollateral = (summary: string) => /\(atomic push fail(ed|ure)\)\s*$/.test(summary)

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
function parseRemoteLines(tell: (line: string) => void): (chunk: Buffer) => void {
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
