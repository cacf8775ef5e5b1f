import fs from 'node:fs'
import path from 'node:path'
import { gitText, until } from '../harness/index.ts'
import { type HeldPush, portOf, type Scene, type Surface, urlBy } from './scene.ts'

/** What a fault left of a push. */
export interface Aftermath {
  /** Seconds until no process of the session was left. */
  readonly gone: number
  /** Processes, temporary files, locks and sessions that stayed; empty: none. */
  readonly left: string
  readonly client: string
  readonly upstream: string
  readonly outcome: string
  readonly next: string
}

/** How long the aftermath is watched for, in milliseconds. */
const WATCH_MS = 45_000

/** Measures what became of a push since the fault at `since`, and that the next push to its ref goes through. */
export async function aftermath(
  scene: Scene,
  surface: Surface,
  push: Pick<HeldPush, 'ref' | 'release' | 'seen' | 'outcome'>,
  since = Date.now(),
): Promise<Aftermath> {
  const { gate } = scene
  let left = ''
  await idle(scene).catch((error: Error) => {
    left = error.message
  })
  const gone = (Date.now() - since) / 1000
  const outcome = await push.outcome(WATCH_MS).catch(() => 'open')
  const settled = (Date.now() - since) / 1000
  const seen = push.seen()
  const upstream = await stateOf(scene, push.ref)
  push.release()
  const next = await pushAgain(scene, surface, push.ref)
  const open = (await gate.ledger.pushes()).filter(each => each.outcome === 'open').length
  return {
    gone,
    left: left || (open ? `${open} open pushes in the ledger` : ''),
    client: seen ? `${lastWords(seen.output)} (${(seen.ms / 1000).toFixed(1)} s)` : 'says nothing',
    upstream,
    outcome: outcome ? `${outcome} (${settled.toFixed(1)} s)` : 'no attempt, no row',
    next,
  }
}

/** No session, no process, no temporary file. */
async function idle({ gate }: Scene): Promise<void> {
  const sessions = async () => {
    const health = await (await fetch(new URL('/health', gate.companion.url))).json()
    return (health as { sessions: unknown[] }).sessions
  }
  // A companion that was killed is back soon.
  const none = async () => ((await sessions().catch(() => ['?'])).length ? undefined : true)
  await until(none, WATCH_MS, () => 'a session goes on')
  await gate.idle({ within: WATCH_MS })
}

/** Has upstream the ref, and is the mirror, as it stands, equal to upstream? */
export async function stateOf(scene: Scene, ref: string): Promise<string> {
  const has = (await scene.gate.upstream.ref(ref)) === undefined ? 'nothing' : 'has it'
  return `${has}, mirror ${(await mirrorDiffers(scene)) ?? 'equal'}`
}

/** Which refs of the mirror are not as upstream has them; undefined: all are. */
export async function mirrorDiffers({ gate }: Scene): Promise<string | undefined> {
  const mirrors = path.join(gate.companion.home, 'mirrors', 'app')
  const [mirror] = fs.readdirSync(mirrors)
  const listed = await gitText(['for-each-ref', '--format=%(refname) %(objectname)'], {
    cwd: path.join(mirrors, mirror ?? ''),
  })
  const there = await gate.upstream.refs()
  const here = Object.fromEntries(listed.split('\n').map(line => line.split(' ')))
  const names = [...new Set([...Object.keys(there), ...Object.keys(here)])].filter(Boolean)
  const different = names.filter(name => there[name] !== here[name])
  return different.length ? `differs in ${different.join(', ')}` : undefined
}

async function pushAgain(scene: Scene, surface: Surface, ref: string): Promise<string> {
  const { work, gate } = scene
  await work.text(['reset', '-q', '--hard', 'origin/main'])
  const commit = await work.commit(`Again ${ref}`, { again: ref })
  const way = surface === 'git://' ? surface : 'worker'
  const ran = await work.git(['push', '--force', urlBy(scene, way, portOf(gate, way)), `HEAD:${ref}`])
  const is = await gate.upstream.ref(ref)
  if (ran.code === 0 && is === commit) return `accepted (${(ran.ms / 1000).toFixed(1)} s)`
  return `FAILED: ${ran.output}`
}

/** The last line that says something, on one line. */
function lastWords(output: string): string {
  const lines = output
    .split(/[\r\n]+/)
    .map(line => line.trim())
    .filter(line => line && !/^(Writing|Counting|Compressing|Enumerating|Delta|Total|To )/.test(line))
  const telling = lines.filter(line => /rejected|fatal|error|accepted|->/.test(line))
  return (telling[0] ?? lines.at(-1) ?? 'nothing').slice(0, 160)
}
