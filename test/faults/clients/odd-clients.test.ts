import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withAbort } from '../../../container/process/with-abort.ts'
import type { Clone } from '../../harness/clone.ts'
import { type Agent, accepted, type Gate, git, seconds, startGate, until } from '../../harness/index.ts'
import { running } from '../fixtures/fault-fixture.ts'
import { postPush, pushBody, type RawPush, shownOf } from '../fixtures/raw-push.ts'

describe('clients that do not end as git does', () => {
  let gate: Gate
  let ada: Agent
  let work: Clone
  beforeAll(async () => {
    gate = await startGate({
      settings: { GATE_CLIENT_IDLE_SECONDS: '5', GATE_OPEN_PUSH_TIMEOUT_SECONDS: '1' },
    })
    ada = await gate.agent('ada', { push: ['ada/**'] })
    work = await ada.clone()
  })
  afterAll(() => gate?.[Symbol.asyncDispose]())

  const begin = () =>
    postPush(gate.port, '/app.git/git-receive-pack', { authorization: `Bearer ${ada.token}` })
  const isOnRecord = (outcome: string) => gate.ledger.until(push => push.outcome === outcome, seconds(20))
  const trickle = (push: RawPush, pause: number) => {
    // A write to a connection that the gate has closed discards the answer that is not read yet. An event loop
    // reads between its timers and its immediates.
    const timer = setInterval(() => setImmediate(() => push.send(Buffer.from('x'))), pause)
    return { [Symbol.dispose]: () => clearInterval(timer) }
  }

  test('a client that trickles on after its pack: its outcome is recorded at once, and it gets its answer', async () => {
    const commit = await work.commit('Trickle')
    const push = await begin()
    push.send(await pushBody(work, 'refs/heads/ada/trickle'))
    using _trickle = trickle(push, 500)
    await isOnRecord('accepted')
    expect(await gate.upstream.ref('refs/heads/ada/trickle')).toBe(commit)
    await push.closed
    expect(shownOf(push.answer)).toContain('* refs/heads/ada/trickle -> refs/heads/ada/trickle')
  })

  test('a client that trickles on after a refusal gets its answer and is disconnected', async () => {
    await work.commit('Refused')
    const push = await begin()
    push.send((await pushBody(work, 'refs/heads/main')).subarray(0, 400))
    using _trickle = trickle(push, 500)
    await isOnRecord('refused')
    await push.closed
    expect(shownOf(push.answer)).toContain('! [remote rejected] refs/heads/main')
  })

  test('a push whose command list exceeds the open-push timeout stays open, and is then accepted', async () => {
    const commit = await work.commit('Slow')
    const bytes = await pushBody(work, 'refs/heads/ada/slow')
    const push = await begin()
    push.send(bytes.subarray(0, 20))
    const open = await gate.ledger.until(({ outcome }) => outcome === 'open')
    await until(
      () => (Date.now() - Date.parse(open.startedAt) > seconds(3) ? true : undefined),
      seconds(10),
      () => 'time stands still',
    )
    await gate.tick()
    expect((await gate.ledger.last()).outcome).toBe('open')
    push.send(bytes.subarray(20))
    push.end()
    await push.reported()
    expect(await isOnRecord('accepted')).toMatchObject({ id: open.id })
    expect(await gate.upstream.ref('refs/heads/ada/slow')).toBe(commit)
    push.destroy()
  })

  test('a push for which the gate cannot make a mirror reads so in its report, and is recorded', async () => {
    await work.commit('No room')
    const bytes = await pushBody(work, 'refs/heads/ada/no-room')
    const mirrors = path.join(gate.companion.home, 'mirrors', 'app')
    fs.rmSync(mirrors, { recursive: true })
    fs.writeFileSync(mirrors, 'in the way')
    const push = await begin()
    push.send(bytes)
    push.end()
    await push.reported()
    expect(shownOf(push.answer)).toMatch(/the gate could not take this push[\s\S]*this is the gate's fault/)
    await isOnRecord('failed')
    fs.rmSync(mirrors)
    expect(await work.push('HEAD:refs/heads/ada/no-room')).toMatchObject(accepted)
  })

  test('git that is killed from outside during the forward leaves no quarantine', async () => {
    gate.upstream.hook('pre-receive', 'sleep 3')
    await work.commit('Killed')
    const push = work.push('HEAD:refs/heads/ada/killed')
    await push.until(/forwarding/)
    const receiving = running(gate, 'receive-pack')
    if (receiving) process.kill(receiving.pid, 'SIGKILL')
    expect(receiving).toBeDefined()
    await push
    gate.upstream.hook('pre-receive')
    await gate.idle({ within: seconds(30) })
  })

  test('a companion without free descriptors fails the request and goes on', async () => {
    const { pid } = gate.companion
    const limit = (most: string) => execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${most}`])
    const used = fs.readdirSync(`/proc/${pid}/fd`).length
    limit(`${used + 2}:`)
    expect((await git(['ls-remote', ada.url()])).code).not.toBe(0)
    limit('4096:')
    expect(await git(['ls-remote', ada.url()])).toMatchObject(accepted)
    expect(gate.companion.pid).toBe(pid)
  })

  test('a companion starts with an unreadable journal entry after a crash', async () => {
    const { pid, home } = gate.companion
    fs.writeFileSync(path.join(home, 'journal', 'unreadable.json'), '')
    process.kill(pid, 'SIGKILL')
    await until(
      async () => ((await git(['ls-remote', ada.url()])).code === 0 ? true : undefined),
      seconds(30),
      () => `it does not come back:\n${gate.log.join('\n')}`,
    )
    expect(gate.companion.pid).not.toBe(pid)
  })
})

test('a rejection after the caller stops waiting is ignored', async () => {
  const work = Promise.reject(new Error('too late'))
  await expect(withAbort(work, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
})
