import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import {
  accepted,
  type FaultyLink,
  faultyLink,
  type Gate,
  megabytes,
  startGate,
  type Upstream,
  until,
} from '../harness/index.ts'
import { sessionsOf, startScene } from './fixtures/fault-fixture.ts'
import { postPush, pushBody } from './fixtures/raw-push.ts'
import { mirrorDiffers } from './table/measure.ts'

/** A leak of a descriptor, or of the bytes of a push, adds up to more than the limits below. */
const INTERRUPTED = 100

test(`after ${INTERRUPTED} interrupted pushes in a row, everything is back where it was`, async () => {
  await using scene = await startScene({ idleSeconds: 2 })
  const { gate, work, ada } = scene
  await work.commit('Something to break off', { big: megabytes(1) })
  const ref = scene.freshRef()
  const body = await pushBody(work, ref)
  const authorization = `Basic ${Buffer.from(`ada:${ada.token}`).toString('base64')}`
  const interrupt = async () => {
    const before = await pushesIn(gate)
    const push = await postPush(gate.port, '/app.git/git-receive-pack', { authorization })
    push.send(body.subarray(0, 900_000))
    const begun = async () => ((await pushesIn(gate)).some(id => !before.includes(id)) ? true : undefined)
    await until(begun, 20_000, () => 'the push does not begin')
    push.destroy()
  }
  for (let n = 0; n < 20; n++) await interrupt()
  await gate.idle({ within: 10_000 })
  const before = holdings(gate.companion)
  for (let n = 0; n < INTERRUPTED; n++) await interrupt()
  await gate.idle({ within: 10_000 })
  await until(
    async () => ((await gate.ledger.pushes()).every(each => each.outcome === 'abandoned') ? true : undefined),
    30_000,
    () => 'some have no outcome',
  )
  expect(await work.git(['fetch', 'origin'])).toMatchObject(accepted)
  expect(await work.push(`HEAD:${ref}`)).toMatchObject(accepted)
  await gate.idle({ within: 10_000 })
  const after = holdings(gate.companion)
  expect(after.descriptors - before.descriptors).toBeLessThan(10)
  expect(after.megabytes - before.megabytes).toBeLessThan(60)
  // The accepted push is 1 MB.
  expect(after.mirrorBytes - before.mirrorBytes).toBeLessThan(1.5e6)
}, 300_000)

test('two agents push to one ref at the same time: one push is accepted, the other refused with a reason', async () => {
  await using scene = await startScene({ idleSeconds: 15 })
  const { gate } = scene
  const agents = [
    await gate.agent('one', { push: ['refs/heads/shared'] }),
    await gate.agent('two', { push: ['refs/heads/shared'] }),
  ]
  const clones = await Promise.all(agents.map(agent => agent.clone()))
  const commits = await Promise.all(clones.map((clone, n) => clone.commit(`From ${n}`, { who: `${n}\n` })))
  const runs = await Promise.all(clones.map(clone => clone.push('HEAD:refs/heads/shared')))
  const winner = runs.findIndex(ran => ran.code === 0)
  expect(runs.filter(ran => ran.code === 0)).toHaveLength(1)
  expect(await gate.upstream.ref('refs/heads/shared')).toBe(commits[winner])
  expect(runs[1 - winner]?.output).toMatch(/upstream has moved|upstream refused|fetch first/)
  await gate.idle({ within: 10_000 })
  expect(await mirrorDiffers(scene)).toBeUndefined()
})

test('twenty agents push to twenty refs at the same time: all are accepted', async () => {
  await using scene = await startScene({ idleSeconds: 15 })
  const { gate, work } = scene
  const names = Array.from({ length: 20 }, (_, n) => `agent-${n}`)
  const agents = []
  for (const name of names) agents.push(await gate.agent(name, { push: [`refs/heads/${name}/**`] }))
  const commits: string[] = []
  for (const name of names) {
    await work.text(['reset', '-q', '--hard', 'origin/main'])
    commits.push(await work.commit(`By ${name}`, { [name]: `${name}\n` }))
  }
  const runs = await Promise.all(
    agents.map((agent, n) =>
      work.git(['push', agent.url(), `${commits[n]}:refs/heads/${agent.name}/work`], { within: 110_000 }),
    ),
  )
  expect(runs.map(ran => ran.output).filter((_, n) => runs[n]?.code !== 0)).toEqual([])
  const refs = await gate.upstream.refs()
  expect(names.map(name => refs[`refs/heads/${name}/work`])).toEqual(commits)
  expect(new Set((await gate.ledger.pushes()).map(push => push.outcome))).toEqual(new Set(['accepted']))
  await gate.idle({ within: 10_000 })
  expect(await mirrorDiffers(scene)).toBeUndefined()
})

test('twenty pushes at once share a few connections to upstream, and later pushes reuse them', async () => {
  await using all = new AsyncDisposableStack()
  const links: FaultyLink[] = []
  const through = async ({ port }: Upstream) => {
    const link = all.use(await faultyLink(port))
    links.push(link)
    return { host: '127.0.0.1', port: link.port }
  }
  const gate = all.use(await startGate({ upstream: { through } }))
  const [link] = links
  const ada = await gate.agent('ada', { push: ['refs/heads/**'] })
  const work = await ada.clone()
  gate.upstream.hook('pre-receive', 'while [ ! -e go ]; do sleep 0.1; done')
  const push = (ref: string) => work.push(`HEAD:refs/heads/${ref}`)
  const first = Array.from({ length: 20 }, (_, n) => push(`first-${n}`))
  const isForwarding = async () =>
    (await sessionsOf(gate)).filter(({ step }) => step === 'forwarding').length === 20 || undefined
  await until(isForwarding, 60_000, () => 'not all of them are at upstream')
  fs.writeFileSync(path.join(gate.upstream.dir, 'go'), '')
  expect((await Promise.all(first)).map(ran => ran.code)).toEqual(first.map(() => 0))
  const used = link?.connections
  expect(used).toBeLessThanOrEqual(5)
  const second = await Promise.all(Array.from({ length: 8 }, (_, n) => push(`second-${n}`)))
  expect(second.map(ran => ran.code)).toEqual(second.map(() => 0))
  expect(link?.connections).toBe(used)
})

const pushesIn = async (gate: Gate) =>
  (await sessionsOf(gate)).filter(({ service }) => service === 'git-receive-pack').map(({ id }) => id)

/** Counts the resources of a process and its mirrors. */
function holdings({ pid, home }: { pid: number; home: string }) {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  const mirrors = path.join(home, 'mirrors')
  const files = fs
    .readdirSync(mirrors, { recursive: true, withFileTypes: true })
    .filter(each => each.isFile())
  return {
    descriptors: fs.readdirSync(`/proc/${pid}/fd`).length,
    megabytes: Number(kilobytes) / 1024,
    mirrorBytes: files.reduce(
      (sum, { parentPath, name }) => sum + fs.statSync(path.join(parentPath, name)).size,
      0,
    ),
  }
}
