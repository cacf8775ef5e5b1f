import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { PRUNED } from '../../container/git/maintenance.ts'
import {
  type Agent,
  accepted,
  type Clone,
  type Gate,
  git,
  seconds,
  sharedGate,
  startGate,
  until,
} from '../harness/index.ts'

/** Returns the mirror of a repository of a gate. */
const mirrorOf = (companionHome: string, repository = 'app') => {
  const folder = path.join(companionHome, 'mirrors', repository)
  return path.join(folder, fs.readdirSync(folder)[0] ?? '')
}
const packsIn = (mirror: string) =>
  fs.readdirSync(path.join(mirror, 'objects', 'pack')).filter(name => name.endsWith('.pack')).length

test('packs do not pile up in a mirror, and it stays whole', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  let newest = (await gate.upstream.ref('refs/heads/main')) ?? ''
  for (let i = 0; i < 31; i++) {
    newest = await gate.upstream.git(['commit-tree', '-p', newest, '-m', `Commit ${i}`, `${newest}^{tree}`])
    await gate.upstream.git(['update-ref', 'refs/heads/main', newest])
    expect(await git(['ls-remote', ada.url()])).toMatchObject(accepted)
  }
  const mirror = mirrorOf(gate.companion.home)
  await until(
    () => (packsIn(mirror) < 30 ? true : undefined),
    seconds(20),
    () => `${packsIn(mirror)} packs`,
  )
  expect(await git(['fsck', '--full'], { cwd: mirror })).toMatchObject(accepted)
  const work = await ada.clone()
  expect(await work.text(['rev-parse', 'HEAD'])).toBe(newest)
})

test('a mirror gets a commit-graph, so that a wrong clock in a push costs little', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  await ada.clone()
  const chain = () =>
    path.join(mirrorOf(gate.companion.home), 'objects/info/commit-graphs/commit-graph-chain')
  await until(
    () => fs.existsSync(chain()) || undefined,
    seconds(20),
    () => 'there is no commit-graph',
  )
  expect(await git(['commit-graph', 'verify'], { cwd: mirrorOf(gate.companion.home) })).toMatchObject(
    accepted,
  )
})

test('once a day a mirror drops unreachable objects that are old enough', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['ada/**'], delete: ['ada/**'] })
  const work = await ada.clone()
  const gone = await work.commit('Gone', { 'gone.txt': 'gone\n' })
  expect(await work.push('HEAD:ada/gone')).toMatchObject(accepted)
  expect(await work.push(':ada/gone')).toMatchObject(accepted)
  const mirror = mirrorOf(gate.companion.home)
  const has = async (id: string) => (await git(['cat-file', '-e', id], { cwd: mirror })).code === 0
  const mark = path.join(mirror, PRUNED)
  await until(
    () => fs.existsSync(mark) || undefined,
    seconds(20),
    () => 'it is not maintained',
  )
  const old = new Date(Date.now() - 3 * 24 * 3600_000)
  const packs = path.join(mirror, 'objects', 'pack')
  for (const name of fs.readdirSync(packs)) fs.utimesSync(path.join(packs, name), old, old)
  await work.text(['reset', '-q', '--hard', 'origin/main'])
  const recent = await work.commit('Recent', { 'recent.txt': 'recent\n' })
  expect(await work.push('HEAD:ada/recent')).toMatchObject(accepted)
  expect(await work.push(':ada/recent')).toMatchObject(accepted)
  expect(await has(gone)).toBe(true)

  fs.utimesSync(mark, old, old)
  expect(await git(['ls-remote', ada.url()])).toMatchObject(accepted)
  await until(
    async () => ((await has(gone)) ? undefined : true),
    seconds(20),
    () => 'what no ref reaches stays',
  )
  expect(await has(recent)).toBe(true)
  await gate.idle({ within: seconds(30) })
  expect(await git(['fsck', '--full'], { cwd: mirror })).toMatchObject(accepted)
  expect(await git(['commit-graph', 'verify'], { cwd: mirror })).toMatchObject(accepted)
  await ada.clone()
})

test('a deleted mirror is made again, at a fetch and during a push', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  const work = await ada.clone()
  const drop = () => fs.rmSync(mirrorOf(gate.companion.home), { recursive: true })
  drop()
  expect(await work.git(['fetch', 'origin'])).toMatchObject(accepted)
  drop()
  const commit = await work.commit('After')
  expect(await work.push('HEAD:ada/after')).toMatchObject(accepted)
  expect(await gate.upstream.ref('refs/heads/ada/after')).toBe(commit)
  drop()
  expect(await (await ada.clone('-b', 'ada/after')).text(['rev-parse', 'HEAD'])).toBe(commit)
})

test('a refresh leaves those refs alone that a push is moving: upstream has them, and the push ends well', async () => {
  await using gate = await startGate({ settings: { GATE_FETCH_FRESH_SECONDS: '0' } })
  const ada = await gate.agent('ada', { push: ['ada/**'], delete: ['ada/**'] })
  const work = await ada.clone()
  const first = await work.commit('First', { 'first.txt': 'first\n' })
  expect(await work.push('HEAD:ada/moved', 'HEAD:ada/gone')).toMatchObject(accepted)
  const second = await work.commit('Second', { 'second.txt': 'second\n' })
  const hold = path.join(gate.upstream.dir, 'hold')
  fs.writeFileSync(hold, '')
  // It runs when upstream has moved its refs; the push ends after it.
  gate.upstream.hook('post-receive', `while [ -e '${hold}' ]; do sleep 0.05; done`)
  const push = work.push('HEAD:ada/moved', 'HEAD:ada/new', ':ada/gone')
  await until(
    async () => ((await gate.upstream.ref('refs/heads/ada/new')) === second ? true : undefined),
    seconds(30),
    () => 'the push does not come to upstream',
  )
  // Another push of the same ref ends before it, and gives back its own hold alone.
  const late = await ada.clone('-b', 'ada/moved')
  await late.commit('Too late', { 'late.txt': 'late\n' })
  const { code, output } = await late.push('HEAD:ada/moved')
  expect(code).toBe(1)
  expect(output).toContain('upstream has moved')
  const behind = await gate.upstream.commit('main', 'Behind the gate')
  const refs = async () => {
    const { stdout } = await git(['ls-remote', ada.url(), 'refs/heads/*'])
    const lines = stdout.split('\n').filter(Boolean)
    return Object.fromEntries(lines.map(line => line.split('\t').reverse()))
  }
  expect(await refs()).toEqual({
    'refs/heads/main': behind,
    'refs/heads/ada/moved': first,
    'refs/heads/ada/gone': first,
  })
  fs.rmSync(hold)
  expect(await push).toMatchObject(accepted)
  const outcomes = (await gate.ledger.pushes()).map(({ outcome }) => outcome)
  expect(outcomes).toEqual(['refused', 'accepted', 'accepted'])
  expect(await refs()).toEqual({
    'refs/heads/main': behind,
    'refs/heads/ada/moved': second,
    'refs/heads/ada/new': second,
  })
})

test('the default branch follows upstream', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  await gate.upstream.commit('trunk', 'A new trunk')
  await gate.upstream.git(['symbolic-ref', 'HEAD', 'refs/heads/trunk'])
  expect(await (await ada.clone()).text(['symbolic-ref', '--short', 'HEAD'])).toBe('trunk')
})

test('a repository that allows stale reads is not served empty before its first fetch', async () => {
  await using gate = await sharedGate()
  const upstream = await gate.repository('stale', { staleReads: true })
  const ada = await gate.agent('ada', { push: ['ada/**'] }, { repository: 'stale' })
  await upstream.stop()
  for (let i = 0; i < 2; i++) {
    const { code, output } = await git(['ls-remote', ada.url()])
    expect(code).not.toBe(0)
    expect(output).toMatch(/git-gate: .*cannot be reached/)
  }
})

test('a repository that allows stale reads is served while its upstream is down; others are not', async () => {
  await using gate = await sharedGate()
  const upstream = await gate.repository('stale', { staleReads: true })
  const ada = await gate.agent('ada', { push: ['ada/**'] }, { repository: 'stale' })
  await ada.clone()
  await upstream.stop()
  const work = await ada.clone()
  await work.commit('Try')
  const push = await work.push('HEAD:ada/x')
  expect(push).toMatchObject({ code: 1 })
  expect(push.output).toMatch(/git-gate: .*cannot be reached/)
})

test('HEAD equals upstream’s: another branch, a branch without a commit, or no branch', async () => {
  await using gate = await sharedGate({ empty: true })
  const ada = await gate.agent('ada', { push: ['**'] })
  await gate.upstream.git(['symbolic-ref', 'HEAD', 'refs/heads/trunk'])
  const work = await ada.clone()
  expect(await work.text(['symbolic-ref', 'HEAD'])).toBe('refs/heads/trunk')
  const first = await work.commit('First')
  expect(await work.push('HEAD')).toMatchObject(accepted)
  expect(await gate.upstream.ref('refs/heads/trunk')).toBe(first)
  await work.commit('Second')
  expect(await work.push('HEAD')).toMatchObject(accepted)

  await gate.upstream.git(['update-ref', '--no-deref', 'HEAD', first])
  const detached = await ada.clone()
  expect(await detached.text(['rev-parse', 'HEAD'])).toBe(first)
  expect((await detached.git(['symbolic-ref', '-q', 'HEAD'])).code).toBe(1)
  await gate.upstream.git(['symbolic-ref', 'HEAD', 'refs/heads/trunk'])
  expect(await (await ada.clone()).text(['symbolic-ref', 'HEAD'])).toBe('refs/heads/trunk')
})

/** Kills the companion as a power cut does, and waits for its restart. */
async function cutPower(gate: Gate): Promise<void> {
  const { pid } = gate.companion
  process.kill(pid, 'SIGKILL')
  await until(
    () => (gate.companion.pid === pid ? undefined : true),
    seconds(20),
    () => 'the companion stays dead',
  )
}

/** By default git does not sync refs: a file's name may be on the disk before its content. By repository. */
const HALF_WRITTEN: Readonly<Record<string, (mirror: string) => void>> = {
  'empty-branch': mirror => fs.writeFileSync(path.join(mirror, 'refs/heads/main'), ''),
  'zeroed-branch': mirror => fs.writeFileSync(path.join(mirror, 'refs/heads/main'), Buffer.alloc(41)),
  'empty-head': mirror => fs.writeFileSync(path.join(mirror, 'HEAD'), ''),
  'zeroed-packed-refs': mirror => fs.writeFileSync(path.join(mirror, 'packed-refs'), Buffer.alloc(512)),
}

test('after a power cut a mirror with a half-written file is made anew, and an unfinished mirror is removed', async () => {
  await using gate = await startGate()
  const { home } = gate.companion
  await (await gate.agent('ada', { push: ['ada/**'] })).clone()
  const works = new Map<string, { agent: Agent; work: Clone }>()
  for (const [repository, cut] of Object.entries(HALF_WRITTEN)) {
    await gate.repository(repository)
    const agent = await gate.agent(`of-${repository}`, { push: ['ada/**'] }, { repository })
    works.set(repository, { agent, work: await agent.clone() })
    cut(mirrorOf(home, repository))
  }
  const unfinished = `${mirrorOf(home)}.${randomUUID()}`
  fs.mkdirSync(unfinished)
  await cutPower(gate)
  await until(
    () => (fs.existsSync(unfinished) ? undefined : true),
    seconds(20),
    () => 'it stays',
  )
  for (const [repository, { agent, work }] of works) {
    const commit = await work.commit('After')
    await until(
      async () => ((await work.push('HEAD:ada/after')).code === 0 ? true : undefined),
      seconds(30),
      () => `nothing can be pushed any more: ${repository}`,
    )
    expect(await (await agent.clone('-b', 'ada/after')).text(['rev-parse', 'HEAD'])).toBe(commit)
  }
})
