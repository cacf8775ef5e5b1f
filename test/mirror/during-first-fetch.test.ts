import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import {
  accepted,
  type FaultyLink,
  faultyLink,
  type Gate,
  git,
  megabytes,
  seconds,
  sharedGate,
  startGate,
  startUpstream,
  until,
} from '../harness/index.ts'

/** The size of the repository in MiB. */
const SIZE = 6
/** The duration of its first fetch in seconds: the second line of progress comes after about 8. */
const DURATION = 11

/** Adds a repository whose first fetch takes some seconds. No client has asked for it yet. */
async function farAway(gate: Gate, all: AsyncDisposableStack) {
  const upstream = all.use(await startUpstream())
  const tip = await upstream.commit('main', 'Something large', { large: megabytes(SIZE) })
  await upstream.git(['-c', 'user.name=a', '-c', 'user.email=a@b.c', 'tag', '-a', '-m', 'One', 'v1', tip])
  const link: FaultyLink = all.use(await faultyLink(upstream.port))
  link.narrow((SIZE << 20) / DURATION)
  await gate.repository('far', { upstream, through: { port: link.port } })
  const ada = await gate.agent('ada', { push: ['ada/**'] }, { repository: 'far' })
  return { upstream, tip, link, ada }
}

test('a first clone waits for a slow upstream, and reads its progress', async () => {
  await using all = new AsyncDisposableStack()
  const gate = all.use(await sharedGate())
  const { upstream, tip, ada } = await farAway(gate, all)
  const into = path.join(gate.home, 'clone')
  const ran = await git(['clone', '--progress', ada.url(), into])
  expect(ran).toMatchObject(accepted)
  expect(ran.output).toMatch(/^remote: git-gate: getting far from its upstream/m)
  expect(ran.output).toMatch(/^remote: git-gate: upstream: Receiving objects: \d+% .* MiB/m)
  const refs = await git(['for-each-ref', '--format=%(refname) %(objectname) %(*objectname)'], { cwd: into })
  expect(refs.stdout).toContain(`refs/remotes/origin/main ${tip}`)
  expect(refs.stdout).toContain(`refs/tags/v1 ${await upstream.ref('refs/tags/v1')} ${tip}`)
  expect(await git(['fsck', '--full'], { cwd: into })).toMatchObject(accepted)

  // A clone that has the repository, when the mirror is gone.
  const newer = await upstream.commit('main', 'More')
  fs.rmSync(path.join(gate.companion.home, 'mirrors', 'far'), { recursive: true })
  const fetched = await git(['fetch', 'origin'], { cwd: into })
  expect(fetched).toMatchObject(accepted)
  expect(fetched.output).toMatch(/^remote: git-gate: getting far from its upstream/m)
  expect((await git(['rev-parse', 'origin/main'], { cwd: into })).stdout.trim()).toBe(newer)
})

test('a client without progress messages gets 503 with the progress, and finds the fetch done later', async () => {
  await using all = new AsyncDisposableStack()
  const gate = all.use(await startGate({ settings: { GATE_FIRST_FETCH_WAIT_SECONDS: '1' } }))
  const { tip, ada } = await farAway(gate, all)
  const old = (...args: string[]) => git(['-c', 'protocol.version=0', ...args, ada.url()])
  const { code, output } = await old('ls-remote')
  expect(code).not.toBe(0)
  expect(output).toMatch(
    /^remote: git-gate: far is on its way from its upstream.*; nothing was changed; try again in 30 s/m,
  )
  const listed = await until(
    async () => {
      const ran = await old('ls-remote')
      return ran.code === 0 ? ran.stdout : undefined
    },
    seconds(60),
    () => 'it never arrives',
  )
  expect(listed).toContain(`${tip}\trefs/heads/main`)
})

test('a first fetch that breaks off is an error, never an empty repository', async () => {
  await using all = new AsyncDisposableStack()
  const gate = all.use(await sharedGate())
  const { tip, link, ada } = await farAway(gate, all)
  const broken = ada.tryClone()
  await broken.until(/git-gate: getting far/)
  link.reset()
  const { code, output } = await broken
  expect(code).not.toBe(0)
  expect(output).toMatch(/^fatal: remote error: git-gate: the upstream /m)
  link.narrow(Number.POSITIVE_INFINITY)
  expect(await (await ada.clone()).text(['rev-parse', 'HEAD'])).toBe(tip)
})
