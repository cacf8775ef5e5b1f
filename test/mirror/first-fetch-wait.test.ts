import { once } from 'node:events'
import net from 'node:net'
import { expect, test } from 'vitest'
import { postPush } from '../faults/fixtures/raw-push.ts'
import { body, ZERO } from '../grants/wire.ts'
import { seconds, sharedGate, until } from '../harness/index.ts'

test('a push whose client disconnects while it waits for a mirror is recorded as abandoned at once', async () => {
  await using gate = await sharedGate()
  // The upstream accepts connections and sends nothing.
  const sockets: net.Socket[] = []
  const silent = net.createServer(socket => void sockets.push(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  try {
    await gate.repository('slow', { through: { port: (silent.address() as net.AddressInfo).port } })
    const ada = await gate.agent('ada', { push: ['ada/**'] }, { repository: 'slow' })
    const push = await postPush(gate.port, '/slow.git/git-receive-pack', {
      authorization: `Bearer ${ada.token}`,
    })
    push.send(body([[ZERO, 'a'.repeat(40), 'refs/heads/ada/x']]))
    await until(
      () => sockets[0],
      seconds(20),
      () => 'the upstream is not asked',
    )
    push.destroy()
    const record = await gate.ledger.until(({ outcome }) => outcome !== 'open', seconds(20))
    expect(record).toMatchObject({ outcome: 'abandoned', disconnectReason: 'disconnected' })
    expect(gate.log.filter(line => line.includes('"level":"error"'))).toEqual([])
  } finally {
    silent.close()
    for (const socket of sockets) socket.destroy()
  }
})
