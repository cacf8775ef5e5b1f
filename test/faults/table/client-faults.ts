import http from 'node:http'
import net from 'node:net'
import { pktLine } from '../../../container/git/pkt-line.ts'
import { megabytes, until } from '../../harness/index.ts'
import { portOf, running, type Scene, type Surface, urlBy } from '../fixtures/fault-fixture.ts'
import { changeFor, type Phase, pushHeldAt } from '../fixtures/held-push.ts'
import { networkPathTo } from '../fixtures/network-path.ts'
import { fetchHeaders, grantOn } from '../fixtures/passes.ts'
import { type Seen, startRawPush } from '../fixtures/pushing.ts'
import { type Aftermath, aftermath } from './measure.ts'

/** The way a client leaves a push. */
export type Leaving = 'kill' | 'stop' | 'vanish'

/**
 * Measures a push whose client leaves it. A scan or a forward, in which the client sends nothing, goes on
 * only `heldMs` milliseconds later.
 */
export async function leave(
  scene: Scene,
  surface: Surface,
  phase: Phase,
  how: Leaving,
  heldMs: number,
): Promise<Aftermath> {
  await using push = await pushHeldAt(scene, surface, phase)
  push[how]()
  if (isHeld(phase, how)) {
    await new Promise(resolve => setTimeout(resolve, heldMs))
    push.release()
  }
  return await aftermath(scene, surface, push)
}

export const isHeld = (phase: Phase, how: Leaving) =>
  phase === 'during the forward' || (phase === 'during the scan' && how !== 'kill')

/** A client closes as soon as it has the report, as libgit2 does. */
export async function closeEarly(scene: Scene, surface: Surface): Promise<Aftermath> {
  const ref = scene.freshRef()
  await changeFor(scene, ref)
  const push = await startRawPush(scene, surface, ref)
  await push.reported()
  push.kill()
  return await aftermath(scene, surface, push)
}

/** A connection sends half of a request's head and stops. */
export async function sendHalfHeader(scene: Scene, surface: Surface): Promise<Aftermath> {
  const since = Date.now()
  const seen = await untilHalfIsClosed(scene, surface)
  return await aftermath(scene, surface, noPush(scene, seen), since)
}

/** Sends half of a request's head. Resolves when the gate has closed the connection, or after 30 s. */
export async function untilHalfIsClosed(scene: Scene, surface: Surface): Promise<Seen> {
  const socket = net.connect(portOf(scene.gate, surface), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(surface === 'git://' ? '0040git-receive-pack /a' : 'POST /app.git/git-rec')
  const since = Date.now()
  await until(
    () => (socket.resume().closed ? true : undefined),
    30_000,
    () => 'it stays open',
  ).catch(() => {})
  const seen = { output: socket.closed ? 'closed' : 'still open', ms: Date.now() - since }
  socket.destroy()
  return seen
}

/** A client reads a part of a clone and stops. */
export async function stallClone(scene: Scene, surface: Surface): Promise<Aftermath> {
  await using all = new AsyncDisposableStack()
  const { gate, work } = scene
  const branch = `big-${scene.freshRef().replaceAll('/', '-')}`
  const commit = await gate.upstream.commit(branch, 'Something big', { big: megabytes(30) })
  await work.text(['ls-remote', 'origin'])
  const stop =
    surface === 'companion' ? await startRawFetch(scene, commit, all) : await startClone(scene, surface, all)
  await until(
    () => (running(gate, 'pack-objects') ? true : undefined),
    60_000,
    () => 'no fetch begins',
  )
  stop()
  const after = await aftermath(scene, surface, noPush(scene))
  await gate.upstream.git(['update-ref', '-d', `refs/heads/${branch}`])
  await work.text(['ls-remote', 'origin'])
  return after
}

async function startClone(
  scene: Scene,
  surface: Exclude<Surface, 'companion'>,
  all: AsyncDisposableStack,
): Promise<() => void> {
  const { work } = scene
  const networkPath = all.use(await networkPathTo(scene, surface))
  const into = `${work.dir}-${scene.freshRef().replaceAll('/', '-')}`
  const clone = work.git(['clone', '-q', '--bare', urlBy(scene, surface, networkPath.address), into], {
    enter: networkPath.enter,
    within: 400_000,
  })
  clone.catch(() => {})
  all.defer(() => clone.kill())
  return () => {
    clone.stop()
    networkPath.cut()
  }
}

async function startRawFetch(scene: Scene, commit: string, all: AsyncDisposableStack): Promise<() => void> {
  const request = http.request(new URL('/git-upload-pack', scene.gate.companion.url), {
    method: 'POST',
    headers: await fetchHeaders(scene.gate, await grantOn(scene.gate, 'app', 'ada')),
  })
  all.defer(() => void request.destroy())
  request.on('error', () => {})
  // The test never reads the answer.
  request.end(Buffer.concat([pktLine(`want ${commit}\n`), Buffer.from('0000'), pktLine('done\n')]))
  return () => {}
}

/** Stands for a push in a measurement without a push. */
const noPush = (scene: Scene, seen?: Seen) => ({
  ref: scene.freshRef(),
  seen: () => seen,
  record: async () => undefined,
})
