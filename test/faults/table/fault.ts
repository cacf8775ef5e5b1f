import type { Scene, Surface } from '../fixtures/fault-fixture.ts'
import { changeFor, type Phase, pushHeldAt } from '../fixtures/held-push.ts'
import { networkPathTo } from '../fixtures/network-path.ts'
import { startPush } from '../fixtures/pushing.ts'
import { type Aftermath, aftermath } from './measure.ts'

/** A fault of the gate or of upstream during a push. */
export interface Fault {
  readonly words: string
  /** The phase in which the fault occurs; undefined: before the push. */
  readonly phase?: Phase
  /** The size of the push if the fault occurs before it, in MB; a line by default. */
  readonly size?: number
  /** The surfaces whose pushes the fault does not affect: they go on at once. */
  readonly spares?: readonly Surface[]
  /** Causes the fault. The returned function ends it, when the client has ended. */
  inject(scene: Scene): Promise<() => unknown>
}

/** The title of a fault: its words and its phase. */
export const titleOf = ({ words, phase }: Fault) => (phase ? `${words}, ${phase}` : words)

/** The timeout for a client's end, in milliseconds. */
const CLIENT_ENDS_MS = 120_000

/** Runs a push with a fault and measures the result. */
export async function runFault(scene: Scene, surface: Surface, fault: Fault): Promise<Aftermath> {
  await using all = new AsyncDisposableStack()
  const held = fault.phase && all.use(await pushHeldAt(scene, surface, fault.phase))
  let isMended = false
  const mendOnce = async () => {
    if (!isMended) await mend()
    isMended = true
  }
  const mend = await fault.inject(scene)
  all.defer(mendOnce)
  const since = Date.now()
  const push = held ?? (await freshPush(scene, surface, fault.size, all))
  // A client in its pack goes on sending, and so learns of the fault.
  if (fault.phase?.startsWith('mid-pack') || fault.spares?.includes(surface)) held?.release()
  await push.ended(CLIENT_ENDS_MS).catch(() => {})
  held?.release()
  await mendOnce()
  return await aftermath(scene, surface, push, since)
}

async function freshPush(
  scene: Scene,
  surface: Surface,
  size: number | undefined,
  all: AsyncDisposableStack,
) {
  const ref = scene.freshRef()
  await changeFor(scene, ref, size)
  const push = await startPush(scene, surface, ref, all.use(await networkPathTo(scene, surface)))
  all.defer(push.kill)
  return push
}
