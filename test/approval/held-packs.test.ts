import { randomBytes } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Agent, type Gate, startGate } from '../harness/index.ts'
import { until } from '../harness/until.ts'
import { approvalsOf, pushThatWaits } from './fixtures/approvals.ts'

const SIZE = 3 << 20

let gate: Gate
let approvals: ReturnType<typeof approvalsOf>
let ada: Agent
beforeAll(async () => {
  gate = await startGate({ buckets: ['HELD_PUSHES'] })
  approvals = approvalsOf(gate)
  ada = await gate.agent('ada', { push: ['ada/**'], ask: [{ paths: ['.github/**'] }] })
}, 60_000)
afterAll(() => gate?.[Symbol.asyncDispose]())

/** Empties the companion's disk of held pushes, as a container that stops does. */
async function loseDisk(): Promise<void> {
  const { pid } = gate.companion
  process.kill(pid, 'SIGKILL')
  await rm(path.join(gate.companion.home, 'held'), { recursive: true })
  await until(
    () => (gate.companion.pid === pid ? undefined : true),
    10_000,
    () => 'the companion stays dead',
  )
}

/** Returns the sizes of the objects in R2: Miniflare keeps each in a file. */
async function bucket(): Promise<number[]> {
  const entries = await readdir(path.join(gate.home, 'state'), { recursive: true, withFileTypes: true })
  const blobs = entries.filter(entry => entry.isFile() && /r2.*blobs/.test(entry.parentPath))
  return Promise.all(
    blobs.map(async ({ parentPath, name }) => (await stat(path.join(parentPath, name))).size),
  )
}

/** Does the scheduled work, and waits until R2 has so many objects: the gate's own schedule may run at the same time. */
async function tickUntilKept(count: number): Promise<void> {
  await gate.tick()
  let sizes: number[] = []
  await until(
    async () => {
      sizes = await bucket()
      return sizes.length === count ? true : undefined
    },
    10_000,
    () => `R2 has objects of ${sizes.join(', ')} bytes, not ${count} objects`,
  )
}

test('a push is forwarded from R2 when the companion has lost its disk, and its pack is then deleted', async () => {
  const work = await ada.clone()
  const commit = await work.commit('Large workflow', {
    '.github/workflows/large.yml': randomBytes(SIZE),
  })
  const { output } = await work.push('HEAD:refs/heads/ada/large')
  const id = /waits for an approval: push (\w+)/.exec(output)?.[1] ?? ''
  const rejected = await pushThatWaits(ada, 'small')
  await tickUntilKept(2)
  expect((await bucket()).filter(size => size > SIZE)).toHaveLength(1)

  await loseDisk()
  expect((await rejected.again()).output).toContain(`still waits for an approval: push ${rejected.id}`)
  expect(await approvals.approve(id)).toMatchObject({ state: 'forwarded' })
  expect(await gate.upstream.ref('refs/heads/ada/large')).toBe(commit)
  await approvals.reject(rejected.id, 'not now')
  await tickUntilKept(0)
})

test('a pack in R2 that is not the one that was held is not forwarded: the agent is asked to push again', async () => {
  const push = await pushThatWaits(ada, 'other')
  await tickUntilKept(1)
  approvals.inLedger('UPDATE held_packs SET hash = ? WHERE id = ?', 'a'.repeat(64), push.id)
  await loseDisk()
  expect(await approvals.approve(push.id)).toMatchObject({
    state: 'failed',
    answer: expect.stringContaining('does not have its objects any more; push again'),
  })
  expect(await gate.upstream.ref(push.ref)).toBeUndefined()
  expect((await push.again()).output).toMatch(/waits for an approval: push \w+/)
  await tickUntilKept(1)
})

test('a pack in R2 is deleted when the record of its push is', async () => {
  const before = (await bucket()).length
  const push = await pushThatWaits(ada, 'forgotten')
  await tickUntilKept(before + 1)
  approvals.inLedger('DELETE FROM pushes WHERE id = ?', push.id)
  await tickUntilKept(before)
})

test('R2 keeps no more of a repository than GATE_HELD_BYTES', async () => {
  const before = (await bucket()).length
  const first = await pushThatWaits(ada, 'first')
  await tickUntilKept(before + 1)
  approvals.inLedger('UPDATE held_packs SET bytes = ? WHERE id = ?', 2 ** 31, first.id)
  const second = await pushThatWaits(ada, 'second')
  await gate.tick()
  expect(await bucket()).toHaveLength(before + 1)
  expect(await approvals.approve(second.id)).toMatchObject({ state: 'forwarded' })
})
