import { once } from 'node:events'
import net from 'node:net'
import { expect, test } from 'vitest'
import { accepted, seconds } from '../../harness/index.ts'
import { portOf, startScene } from '../fixtures/fault-fixture.ts'

const IDLE = 2_000

test.for(['worker', 'companion'] as const)(
  '%s: 2,000 idle connections, half of them with half a request, do not keep an agent from pushing',
  async surface => {
    await using scene = await startScene({ idleSeconds: 15 })
    const { gate, work } = scene
    using _idle = await connectMany(portOf(gate, surface))
    await work.commit('Beside them')
    expect(await work.push(`HEAD:${scene.freshRef()}`)).toMatchObject(accepted)
    await gate.idle({ within: seconds(30) })
  },
)

async function connectMany(port: number): Promise<Disposable> {
  const sockets = await Promise.all(
    Array.from({ length: IDLE }, async (_, index) => {
      const socket = net.connect(port, '127.0.0.1').on('error', () => {})
      await once(socket, 'connect')
      if (index % 2 === 0) socket.write('GET /app.git/info/refs HTTP/1.1\r\nHost: x\r\n')
      return socket
    }),
  )
  return {
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
