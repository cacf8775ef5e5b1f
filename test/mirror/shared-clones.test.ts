import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { expect, test } from 'vitest'
import { accepted, git, startGate } from '../harness/index.ts'

test('clones at the same time are whole, also while pushes move refs', async () => {
  await using gate = await startGate({ settings: { GATE_READ_IDLE_SECONDS: '20' } })
  const [ada, bea] = await Promise.all(['ada', 'bea'].map(name => gate.agent(name, { push: [`${name}/**`] })))
  if (!ada || !bea) throw new Error('there is no agent')
  const work = await ada.clone()
  await work.commit('Data', { 'data.bin': randomBytes(3 << 20) })
  expect(await work.push('HEAD:refs/heads/ada/data')).toMatchObject(accepted)
  const folder = path.join(work.dir, '..')

  for (let round = 0; round < 2; round++) {
    const newest = await work.commit(`Round ${round}`, { 'round.txt': `${round}\n` })
    expect(await work.push('HEAD:refs/heads/ada/data')).toMatchObject(accepted)
    const clones = Array.from({ length: 5 }, (_, i) => path.join(folder, `clone-${round}-${i}`))
    const cloned = clones.map((dir, i) =>
      git(['clone', '-q', '--bare', (i % 2 ? ada : bea).url(), dir], { cwd: folder }),
    )
    const moved = work.push(`HEAD:refs/heads/ada/round-${round}`)
    for (const each of cloned) expect(await each).toMatchObject(accepted)
    expect(await moved).toMatchObject(accepted)
    for (const cwd of clones) {
      expect(await git(['fsck', '--full'], { cwd })).toMatchObject(accepted)
      expect((await git(['rev-parse', 'refs/heads/ada/data'], { cwd })).stdout.trim()).toBe(newest)
    }
  }
  await gate.idle({ within: 10_000 })
})
