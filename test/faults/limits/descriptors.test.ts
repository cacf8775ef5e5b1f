import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { accepted, seconds, until } from '../../harness/index.ts'
import { indexing, startScene } from '../fixtures/fault-fixture.ts'
import { pushHeldAt } from '../fixtures/held-push.ts'
import { postPush, pushBody, shownOf } from '../fixtures/raw-push.ts'

test('a push to a companion without free descriptors fails as the gate’s fault, and the mirror is cleaned', async () => {
  await using scene = await startScene({ idleSeconds: 2 })
  const { gate, ada, work } = scene
  const { pid, home } = gate.companion
  await gate.idle({ within: seconds(30) })
  const limit = (soft: number | string) =>
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`], { stdio: 'pipe' })
  const before = /^Max open files\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? ''
  // Enough for the request, and too few for git and its pipes.
  const open = fs.readdirSync(`/proc/${pid}/fd`).length
  await work.commit('No room')
  const push = await postPush(gate.port, '/app.git/git-receive-pack', {
    authorization: `Bearer ${ada.token}`,
  })
  limit(open + 6)
  try {
    push.send(await pushBody(work, 'refs/heads/ada/no-room'))
    push.end()
    await push.reported()
  } finally {
    limit(before)
  }
  expect(shownOf(push.answer)).toMatch(/this is the gate's fault/)
  expect(await gate.upstream.ref('refs/heads/ada/no-room')).toBeUndefined()

  const mirrors = path.join(home, 'mirrors/app')
  const lock = path.join(mirrors, fs.readdirSync(mirrors)[0] ?? '', 'refs/heads/ada/stale.lock')
  fs.mkdirSync(path.dirname(lock), { recursive: true })
  fs.writeFileSync(lock, '')
  await using killed = await pushHeldAt(scene, 'worker', 'mid-pack, 2 MB')
  process.kill(-(indexing(gate)?.group ?? Number.NaN), 'SIGKILL')
  killed.release()
  await killed.ended()
  await until(
    () => (fs.existsSync(lock) ? undefined : true),
    seconds(30),
    () => 'what a killed git leaves stays',
  )
  expect(await work.push('HEAD:refs/heads/ada/room')).toMatchObject(accepted)
})
