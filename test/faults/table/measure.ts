import { gitText, until } from '../../harness/index.ts'
import { mirrorOf, portOf, type Scene, type Surface, sessionsOf, urlBy } from '../fixtures/fault-fixture.ts'
import type { OnRecord, Pushing } from '../fixtures/pushing.ts'

/** The state after a fault. */
export interface Aftermath {
  /** The seconds until no process of the session was left. */
  readonly gone: number
  /** The processes, temporary files, locks and sessions that stayed; empty: none. */
  readonly left: string
  /** The client's whole output; undefined: it still runs. */
  readonly output: string | undefined
  /** The client's time, in seconds; NaN: it still runs. */
  readonly seconds: number
  /** The client's last line, and when it ended. */
  readonly client: string
  readonly upstream: string
  /** The recorded outcome, and after how long; `no attempt, no row` if no push began. */
  readonly outcome: string
  readonly record: OnRecord | undefined
  readonly next: string
}

/** The time limit of a measurement, in milliseconds. */
const WATCH_MS = 75_000

/** Measures a push since the fault at `since`, and checks that the next push to its ref is accepted. */
export async function aftermath(
  scene: Scene,
  surface: Surface,
  push: Pick<Pushing, 'ref' | 'seen' | 'record'> & { release?(): void },
  since = Date.now(),
): Promise<Aftermath> {
  const { gate } = scene
  let left = ''
  await idle(scene).catch((error: Error) => {
    left = error.message
  })
  const gone = (Date.now() - since) / 1000
  const record = await push.record(WATCH_MS).catch((): 'open' => 'open')
  const settled = (Date.now() - since) / 1000
  const seen = push.seen()
  const upstream = await stateOf(scene, push.ref)
  push.release?.()
  const next = await pushAgain(scene, surface, push.ref)
  const open = (await gate.ledger.pushes()).filter(each => each.outcome === 'open').length
  return {
    gone,
    left: left || (open ? `${open} open pushes in the ledger` : ''),
    output: seen?.output,
    seconds: (seen?.ms ?? Number.NaN) / 1000,
    client: seen ? `${lastWords(seen.output)} (${(seen.ms / 1000).toFixed(1)} s)` : 'says nothing',
    upstream,
    outcome:
      record === 'open'
        ? 'open'
        : record
          ? `${record.outcome} (${settled.toFixed(1)} s)`
          : 'no attempt, no row',
    record: record === 'open' ? undefined : record,
    next,
  }
}

/** Waits until no session, process or temporary file is left. */
async function idle({ gate }: Scene): Promise<void> {
  // A killed companion restarts soon.
  const none = async () => ((await sessionsOf(gate).catch(() => ['?'])).length ? undefined : true)
  await until(none, WATCH_MS, () => 'a session goes on')
  await gate.idle({ within: WATCH_MS })
}

/** Describes whether upstream has the ref, and whether the mirror equals upstream. */
export async function stateOf(scene: Scene, ref: string): Promise<string> {
  const has = (await scene.gate.upstream.ref(ref)) === undefined ? 'nothing' : 'has it'
  return `${has}, mirror ${(await mirrorDiffers(scene)) ?? 'equal'}`
}

/** Returns the refs in which the mirror differs from upstream; undefined: none. */
export async function mirrorDiffers({ gate }: Scene): Promise<string | undefined> {
  const listed = await gitText(['for-each-ref', '--format=%(refname) %(objectname)'], { cwd: mirrorOf(gate) })
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
  const ran = await work.git([
    'push',
    '--force',
    urlBy(scene, way, { host: '127.0.0.1', port: portOf(gate, way) }),
    `HEAD:${ref}`,
  ])
  const is = await gate.upstream.ref(ref)
  if (ran.code === 0 && is === commit) return `accepted (${(ran.ms / 1000).toFixed(1)} s)`
  return `FAILED: ${ran.output}`
}

/** The lines of git that tell most, in order. */
const TELLING = [/\[(remote )?rejected\]/, /git-gate: (the|upstream|this)\b/, /fatal|error/, /->/]

/** Returns the line that tells the result, else the last line. */
function lastWords(output: string): string {
  const lines = output
    .split(/[\r\n]+/)
    .map(line => line.trim())
    .filter(line => line && !/^(Writing|Counting|Compressing|Enumerating|Delta|Total|To )/.test(line))
  const [telling] = TELLING.flatMap(words => lines.find(line => words.test(line)) ?? [])
  return (telling ?? lines.at(-1) ?? 'nothing').slice(0, 160)
}
