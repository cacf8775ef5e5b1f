import type { Scene, Surface } from '../fixtures/fault-fixture.ts'
import { changeFor, type Phase, pushHeldAt } from '../fixtures/held-push.ts'
import { wayTo } from '../fixtures/network-path.ts'
import { startPush } from '../fixtures/pushing.ts'
import { type Aftermath, aftermath } from './measure.ts'

/** One thing that goes wrong on the gate's side of a push, or upstream. */
export interface Fault {
  readonly words: string
  /** Where it meets the push; undefined: it is there before. */
  readonly phase?: Phase
  /** How much is pushed where it is there before, in MB; a line without this. */
  readonly size?: number
  /** The surfaces whose pushes it does not touch: they go on at once. */
  readonly spares?: readonly Surface[]
  /** Brings it about. The answer takes it away again, when the client has ended. */
  inject(scene: Scene): Promise<() => unknown>
}

/** The words of a fault and of where it meets a push. */
export const titleOf = ({ words, phase }: Fault) => (phase ? `${words}, ${phase}` : words)

/** A client is waited for so long, in milliseconds. */
const CLIENT_ENDS_MS = 120_000

/** What a fault leaves of a push. */
export async function meet(scene: Scene, surface: Surface, fault: Fault): Promise<Aftermath> {
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
  // A client in mid-pack goes on sending, and so hears of what has happened.
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
  const push = await startPush(scene, surface, ref, all.use(await wayTo(scene, surface)))
  all.defer(push.kill)
  return push
}
