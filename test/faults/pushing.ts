import type { PushReport } from '../../src/contract/outcome.ts'
import { until } from '../harness/index.ts'
import { grantOn, passFor, reportOf } from './passes.ts'
import { openPush, postPush, pushBody, type RawPush, shownOf } from './raw-push.ts'
import { portOf, type Scene, type Surface, urlBy } from './scene.ts'
import type { Way } from './way.ts'

/** What a client's user saw, and how long that took. */
export interface Seen {
  readonly output: string
  readonly ms: number
}

/** What is on record of a push. */
export type OnRecord = Pick<PushReport, 'outcome' | 'refs' | 'upstreamSaid'>

/** A push on its way, by a client of a surface. */
export interface Pushing {
  readonly ref: string
  /** SIGKILL: the kernel closes its connection. */
  kill(): void
  /** SIGSTOP: the connection stays open, and silent. */
  stop(): void
  /** What its user saw, once it has ended; undefined: it has not. */
  seen(): Seen | undefined
  /** What its user saw, as soon as it has ended. */
  readonly over: Promise<Seen>
  /** The same, within so many milliseconds (60 s). */
  ended(within?: number): Promise<Seen>
  /** Sends what was held back, where it is bytes of the test's own. */
  sendRest(): void
  /** What is on record of it, once that is settled; undefined: it never was an attempt. */
  record(within: number): Promise<OnRecord | undefined>
}

/** Pushes the clone's HEAD. The companion's own client is the Worker: that is played. */
export async function startPush(scene: Scene, surface: Surface, ref: string, way: Way): Promise<Pushing> {
  if (surface === 'companion') return startRawPush(scene, surface, ref, { to: way.address.port })
  const record = await recordOfNext(scene)
  const { work, slow } = scene
  const running = work.git(['push', '--progress', urlBy(scene, surface, way.address), `HEAD:${ref}`], {
    env: slow.env,
    enter: way.enter,
    within: 400_000,
  })
  const { kill, stop } = running
  return pushing(ref, running, record, { kill: () => kill(), stop, sendRest() {} })
}

/** The same as bytes on a socket, of which only the first `first` are sent, if that is given. */
export async function startRawPush(
  scene: Scene,
  surface: Surface,
  ref: string,
  { to = portOf(scene.gate, surface), first }: { to?: number; first?: number } = {},
): Promise<Pushing & { reported(): Promise<void> }> {
  const body = await pushBody(scene.work, ref)
  const started = Date.now()
  const { raw, record } = await openRaw(scene, surface, to)
  const sendRest = () => {
    if (first !== undefined) raw.send(body.subarray(first))
    raw.end()
  }
  raw.send(body.subarray(0, first))
  if (first === undefined) sendRest()
  // A connection that carried a report may stay open for another request.
  const over = Promise.race([raw.closed, raw.reported().catch(() => raw.closed)])
  const seen = over.then(() => ({ output: shownOf(raw.answer), ms: Date.now() - started }))
  return {
    ...pushing(ref, seen, record, { kill: raw.destroy, stop() {}, sendRest }),
    reported: raw.reported,
  }
}

async function openRaw(
  scene: Scene,
  surface: Surface,
  port: number,
): Promise<{ raw: RawPush; record: Pushing['record'] }> {
  const { gate, ada } = scene
  if (surface !== 'companion') {
    const record = await recordOfNext(scene)
    if (surface === 'git://') return { raw: await openPush(port, '/app.git'), record }
    const authorization = `Basic ${Buffer.from(`ada:${ada.token}`).toString('base64')}`
    return { raw: await postPush(port, '/app.git/git-receive-pack', { authorization }), record }
  }
  const { id, headers } = await passFor(gate, await grantOn(gate, 'app', 'ada'))
  const settled = async () => {
    const report = await reportOf(gate, id).catch(() => undefined)
    return report?.outcome === 'open' ? undefined : report
  }
  return {
    raw: await postPush(port, '/git-receive-pack', headers),
    record: within => until(settled, within, () => 'it stays open'),
  }
}

/** The ledger's word of the next push there is. */
async function recordOfNext({ gate }: Scene): Promise<Pushing['record']> {
  const newest = async () => (await gate.ledger.pushes())[0]?.id
  const before = await newest()
  return async within => {
    if ((await newest()) === before) return undefined
    return gate.ledger.until(push => push.outcome !== 'open', within)
  }
}

function pushing(
  ref: string,
  over: Promise<Seen>,
  record: Pushing['record'],
  acts: Pick<Pushing, 'kill' | 'stop' | 'sendRest'>,
): Pushing {
  let seen: Seen | undefined
  over.then(
    end => {
      seen = end
    },
    () => {},
  )
  const ended = (within = 60_000) =>
    until(
      () => seen,
      within,
      () => 'the client goes on',
    )
  return { ref, over, seen: () => seen, ended, record, ...acts }
}
