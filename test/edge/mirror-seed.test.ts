import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accepted, type FaultyLink, faultyLink, git, megabytes, startUpstream } from '../harness/index.ts'
import { type EdgeGate, type EdgeRepository, startEdgeGate } from './fixtures/edge-gate.ts'
import { ended } from './fixtures/engine.ts'

const SIZE = 12
const LITTLE = 1 << 20

/** Prepares a large repository, cloned once, whose idle container was stopped. */
async function asleep(repository: EdgeRepository, link: FaultyLink) {
  const { upstream } = repository
  const tip = await upstream.commit('main', 'Something large', { large: megabytes(SIZE) })
  await upstream.commit('gone', 'A branch that will go')
  await repository.lead({ port: link.port })
  const ada = await repository.agent('ada')
  await ada.clone()
  await ended(repository.container())
  return { ada, tip }
}

describe.concurrent('a container that starts empty', () => {
  let gate: EdgeGate
  beforeAll(async () => {
    gate = await startEdgeGate({
      repositories: ['large', 'small', 'spoilt', 'moved'],
      settings: { GATE_CONTAINER_IDLE_SECONDS: '5' },
    })
  })
  afterAll(() => gate?.[Symbol.asyncDispose]())

  test('begins with the seed, and fetches only the rest from upstream', async () => {
    const large = gate.repository('large')
    await using link = await faultyLink(large.upstream.port)
    const { ada } = await asleep(large, link)
    expect(await large.kept()).toBeGreaterThan(SIZE << 20)
    const newer = await large.upstream.commit('main', 'More')
    await large.upstream.git(['update-ref', '-d', 'refs/heads/gone'])

    const before = link.returned
    const work = await ada.clone()
    expect(large.containers()).toHaveLength(2)
    expect(link.returned - before).toBeLessThan(LITTLE)
    expect(await work.text(['for-each-ref', '--format=%(refname) %(objectname)', 'refs/remotes'])).toBe(
      `refs/remotes/origin/HEAD ${newer}\nrefs/remotes/origin/main ${newer}`,
    )
    await work.text(['fsck', '--full'])
    const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
    expect(await work.push('HEAD:refs/heads/ada/hello')).toMatchObject(accepted)
    expect(await large.upstream.ref('refs/heads/ada/hello')).toBe(commit)
  })

  test('fetches all of a small repository from upstream: it has no seed', async () => {
    const small = gate.repository('small')
    const ada = await small.agent('ada')
    await ada.clone()
    await ended(small.container())
    expect(await small.kept()).toBe(0)
    await ada.clone()
    expect(small.containers()).toHaveLength(2)
  })

  test('fetches everything from upstream if the seed cannot be read', async () => {
    const spoilt = gate.repository('spoilt')
    await using link = await faultyLink(spoilt.upstream.port)
    const { ada, tip } = await asleep(spoilt, link)
    await spoilt.spoil('no bundle')
    const before = link.returned
    const work = await ada.clone()
    expect(link.returned - before).toBeGreaterThan(SIZE << 20)
    expect(await work.text(['rev-parse', 'origin/main'])).toBe(tip)
    expect(gate.engine.log.join('\n')).toContain(
      'spoilt: {"level":"error","message":"Error: the mirror seed is broken',
    )
  })

  test('gets no seed of an earlier upstream under the same name', async () => {
    const moved = gate.repository('moved')
    await using link = await faultyLink(moved.upstream.port)
    const { ada, tip } = await asleep(moved, link)
    await using other = await startUpstream()
    await moved.lead({ upstream: other })
    const work = await ada.clone()
    expect(await work.text(['rev-parse', 'origin/main'])).toBe(await other.ref('refs/heads/main'))
    expect(await git(['fetch', ada.url, tip], { cwd: work.dir })).not.toMatchObject(accepted)
  })
})
