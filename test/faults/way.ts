import { type Address, faultyLink } from '../harness/index.ts'
import { portOf, type Scene, type Surface } from './scene.ts'

/** A client's way to the gate. */
export interface Way extends AsyncDisposable {
  readonly address: Address
  /** What the client's command begins with. */
  readonly enter: readonly string[]
  /** Resolves when so many bytes of a push have gone over it; where it cannot tell, at once. */
  carried(bytes: number): Promise<void>
  /** From now on nothing passes, not even the end of a connection. */
  cut(): void
}

/** The way to a surface: over the network where the agent has a machine of its own, else over a link. */
export async function wayTo({ gate, agentsMachine }: Scene, surface: Surface): Promise<Way> {
  const port = portOf(gate, surface)
  if (agentsMachine && surface !== 'companion')
    return {
      address: { host: agentsMachine.here, port },
      enter: agentsMachine.enter,
      carried: async () => {},
      cut: agentsMachine.cut,
      [Symbol.asyncDispose]: async () => agentsMachine.mend(),
    }
  const link = await faultyLink(port)
  return {
    address: { host: '127.0.0.1', port: link.port },
    enter: [],
    carried: link.carried,
    cut: link.stall,
    async [Symbol.asyncDispose]() {
      link.reset()
      await link[Symbol.asyncDispose]()
    },
  }
}
