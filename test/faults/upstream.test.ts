import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { descendantsOf } from '../../local/processes.ts'
import { faultyLink, until } from '../harness/index.ts'
import { mirrorDiffers } from './measure.ts'
import { pushHeldAt, type Scene, startScene } from './scene.ts'

/** In seconds; what is asked of upstream afterwards takes up to half a minute. */
const FORWARD = 5

describe('whatever upstream does, the agent is told, and the ledger has it', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({ idleSeconds: 5, settings: { GATE_FORWARD_SECONDS: String(FORWARD) } })
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  test('it is down: said at once, before anything is sent', async () => {
    const { gate, work } = scene
    await gate.upstream.stop()
    const ran = await work.push(`HEAD:${scene.freshRef()}`)
    await gate.upstream.start()
    expect(ran.output).toMatch('cannot be reached')
    expect(ran.code).not.toBe(0)
    expect(ran.ms).toBeLessThan(15_000)
    await gate.idle({ within: 5_000 })
  })

  test('it accepts connections and says nothing: said within the bound on connecting', async () => {
    const { gate } = scene
    await using link = await faultyLink(gate.upstream.port)
    link.stall()
    await gate.repository('stopped', { upstream: gate.upstream, through: link.port })
    const eve = await gate.agent('eve', { push: ['refs/heads/eve/**'] }, { repository: 'stopped' })
    const ran = await eve.tryClone()
    expect(ran.output).toMatch('cannot be reached')
    expect(ran.ms).toBeLessThan(20_000)
    await gate.idle({ within: 5_000 })
  })

  test('it is killed when it has accepted and not yet said so: accepted', async () => {
    const { gate, work } = scene
    const ref = scene.freshRef()
    const commit = await work.commit('Taken without a word', { taken: ref })
    gate.upstream.hook('post-receive', KILL_SSHD)
    const ran = await work.push(`HEAD:${ref}`)
    gate.upstream.hook('post-receive')
    expect(await gate.upstream.ref(ref)).toBe(commit)
    expect(ran).toMatchObject({ code: 0 })
    expect(await gate.ledger.last()).toMatchObject({ outcome: 'accepted', refs: [{ ref, status: 'ok' }] })
    await gate.idle({ within: 5_000 })
    expect(await mirrorDiffers(scene)).toBeUndefined()
  })

  test('it is killed before it has accepted: not accepted', async () => {
    const { gate, work } = scene
    const ref = scene.freshRef()
    await work.commit('Not taken', { taken: ref })
    gate.upstream.hook('pre-receive', KILL_SSHD)
    const ran = await work.push(`HEAD:${ref}`)
    gate.upstream.hook('pre-receive')
    expect(ran.output).toMatch('it does not have the push: push again')
    expect(ran.code).toBe(1)
    expect(await gate.ledger.last()).toMatchObject({ outcome: 'failed' })
    expect(await gate.upstream.ref(ref)).toBeUndefined()
    await gate.idle({ within: 5_000 })
    expect(await work.push(`HEAD:${ref}`)).toMatchObject({ code: 0 })
  })

  test('it refuses: in its own words', async () => {
    const { gate, work } = scene
    const ref = scene.freshRef()
    await work.commit('Not wanted', { wanted: ref })
    gate.upstream.refuse('Release freeze until Monday')
    const ran = await work.push(`HEAD:${ref}`)
    gate.upstream.hook('pre-receive')
    expect(ran.output).toMatch('upstream: Release freeze until Monday')
    expect(await gate.ledger.last()).toMatchObject({
      outcome: 'refused',
      upstreamSaid: 'Release freeze until Monday',
    })
    await gate.idle({ within: 5_000 })
    expect(await work.push(`HEAD:${ref}`)).toMatchObject({ code: 0 })
  })

  test('it takes longer than a forward may: cut, and asked what it has', async () => {
    const { gate } = scene
    await using push = await pushHeldAt(scene, 'worker', 'during the forward')
    const { output } = await push.ended()
    expect(output).toMatch(`the upstream did not answer within ${FORWARD} s; it does not have the push`)
    expect(await gate.ledger.last()).toMatchObject({ outcome: 'failed' })
    await gate.idle({ within: 5_000 })
    expect(await gate.upstream.ref(push.ref)).toBeUndefined()
    // Whatever an upstream that comes to life again makes of it, the agent's next push settles it.
    push.release()
    await until(
      async () => ((await scene.work.push(`HEAD:${push.ref}`)).code === 0 ? true : undefined),
      30_000,
      () => 'the next push does not go through',
    )
  })

  test('its sshd stands still in mid-push: cut, and said that it could not be asked', async () => {
    const { gate } = scene
    await using push = await pushHeldAt(scene, 'worker', 'during the forward')
    const servers = () => descendantsOf(process.pid).filter(({ name }) => name === 'sshd')
    const stopped = servers()
    for (const { pid } of stopped) process.kill(pid, 'SIGSTOP')
    const keepStopping = setInterval(() => {
      for (const { pid } of servers())
        if (!stopped.some(each => each.pid === pid)) process.kill(pid, 'SIGSTOP')
    }, 20)
    const { output } = await push.ended(90_000)
    clearInterval(keepStopping)
    for (const { pid } of servers()) process.kill(pid, 'SIGKILL')
    push.release()
    expect(output).toMatch('whether it has the push could not be learnt')
    expect(await gate.ledger.last()).toMatchObject({ outcome: 'failed' })
    await gate.idle({ within: 5_000 })
    await until(
      async () => ((await scene.work.push(`HEAD:${push.ref}`)).code === 0 ? true : undefined),
      30_000,
      () => 'the next push does not go through',
    )
  })
})

/** Kills the sshd that this hook runs under, as a host does that goes down. */
const KILL_SSHD = `
pid=$$
while [ "$pid" -gt 1 ]; do
  pid=$(cut -d' ' -f4 "/proc/$pid/stat")
  [ "$(cat "/proc/$pid/comm")" = sshd ] && kill -9 "$pid" && exit 1
done
exit 1`
