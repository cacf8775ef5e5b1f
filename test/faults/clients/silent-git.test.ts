import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { send } from '../../grants/wire.ts'
import { git, seconds, startGate, until } from '../../harness/index.ts'
import { running } from '../fixtures/fault-fixture.ts'

test('a fetch for which git says nothing gets an error, and its processes are killed', async () => {
  await using gate = await startGate({ settings: { GATE_READ_IDLE_SECONDS: '1' } })
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  await git(['ls-remote', ada.url()])
  // Enough that git is still reading them when it is stopped.
  const haves = randomBytes(20 * 600_000)
    .toString('hex')
    .replace(/.{40}/g, '0032have $&\n')
  const want = `want ${await gate.upstream.ref('refs/heads/main')}`
  const asked = `0012command=fetch0001${(want.length + 4).toString(16).padStart(4, '0')}${want}${haves}0009done\n0000`
  const answered = send(gate, ada, Buffer.from(asked), {
    path: '/app.git/git-upload-pack',
    headers: { 'content-type': 'application/x-git-upload-pack-request', 'git-protocol': 'version=2' },
  })
  const reading = await until(
    () => running(gate, 'upload-pack'),
    seconds(20),
    () => 'git does not begin',
  )
  process.kill(reading.pid, 'SIGSTOP')
  expect((await answered).body.toString()).toMatch(
    /^....ERR git-gate: git found no answer in time; fetch less/,
  )
  await gate.idle({ within: seconds(30) })
})
