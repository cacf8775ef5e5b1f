import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../src/ledger/id.ts'
import { holdForwards } from '../faults/fixtures/upstream-hold.ts'
import { type Agent, type OwnGate, startGate, until } from '../harness/index.ts'
import { approvalsOf, pushThatWaits, type WaitingPush } from './fixtures/approvals.ts'

let gate: OwnGate
let approvals: ReturnType<typeof approvalsOf>
let ada: Agent
beforeAll(async () => {
  gate = await startGate({ settings: { GATE_OPEN_PUSH_TIMEOUT_SECONDS: '1' } })
  approvals = approvalsOf(gate)
  ada = await gate.agent('ada', { push: ['ada/**'], ask: [{ paths: ['.github/**'] }] })
})
afterAll(() => gate[Symbol.asyncDispose]())

/** Runs the sweep until the approval is decided. */
const settled = (push: WaitingPush) =>
  until(
    async () => {
      await gate.tick()
      const approval = await approvals.show(push.id)
      return approval.state === 'approved' ? undefined : approval
    },
    60_000,
    () => `push ${push.id} is not settled`,
  )

/** The outcomes of the pushes that forwarded a waiting push. */
const outcomes = async ({ id }: WaitingPush) => {
  const records = await Promise.all(
    (await gate.ledger.pushes()).map(push => gate.admin.request('GET', `/pushes/${push.id}`)),
  )
  return (records as { clientVersion: string; outcome: string }[])
    .filter(({ clientVersion }) => clientVersion === `approval of ${id}`)
    .map(({ outcome }) => outcome)
}

test('the Worker dies between the approval and the forward: the sweep forwards the push', async () => {
  const push = await pushThatWaits(ada, 'between')
  const worker = await gate.killWorker()
  approvals.inLedger(
    'INSERT INTO approval_votes (approval, operator, person, at, forward) VALUES (?, ?, ?, ?, ?)',
    ...[push.id, 'grace', 'email:grace@acme.example', Date.now() - 60_000, newId()],
  )
  await worker.startAgain()
  expect(await settled(push)).toMatchObject({ state: 'forwarded', approvedBy: [{ operator: 'grace' }] })
  expect(await outcomes(push)).toEqual(['accepted'])
  expect(await gate.upstream.ref(push.ref)).toBe(push.commit)
})

test('the Worker dies during the forward: upstream’s answer is the outcome, once', async () => {
  const push = await pushThatWaits(ada, 'worker')
  const hold = holdForwards(gate.upstream)
  const approving = approvals.approve(push.id).catch(() => {})
  await hold.begun()
  const worker = await gate.killWorker()
  await approving
  hold.release()
  await worker.startAgain()
  expect(await settled(push)).toMatchObject({ state: 'forwarded' })
  expect(await outcomes(push)).toEqual(['accepted'])
  expect(await gate.upstream.ref(push.ref)).toBe(push.commit)
})

test('the companion dies during the forward: the push reaches upstream all the same', async () => {
  const push = await pushThatWaits(ada, 'companion')
  const hold = holdForwards(gate.upstream)
  const approving = approvals.approve(push.id)
  await hold.begun()
  const { pid } = gate.companion
  process.kill(pid, 'SIGKILL')
  await approving
  await until(
    () => (gate.companion.pid === pid ? undefined : true),
    10_000,
    () => 'the companion stays dead',
  )
  hold.release()
  expect(await settled(push)).toMatchObject({ state: 'forwarded' })
  expect((await outcomes(push)).filter(outcome => outcome === 'accepted')).toHaveLength(1)
  expect(await gate.upstream.ref(push.ref)).toBe(push.commit)
})

test('a companion that has lost its disk asks for a new push', async () => {
  const push = await pushThatWaits(ada, 'lost')
  await rm(`${gate.companion.home}/held/${push.id}`, { recursive: true })
  const { pid } = gate.companion
  process.kill(pid, 'SIGKILL')
  await until(
    () => (gate.companion.pid === pid ? undefined : true),
    10_000,
    () => 'the companion stays dead',
  )
  const again = await push.again()
  const id = /waits for an approval: push (\w+)/.exec(again.output)?.[1] ?? ''
  expect(id).not.toBe(push.id)
  expect(await approvals.show(push.id)).toMatchObject({ state: 'replaced' })
  await rm(`${gate.companion.home}/held/${id}`, { recursive: true })
  expect(await approvals.approve(id)).toMatchObject({
    state: 'failed',
    answer: expect.stringContaining('does not have its objects any more; push again'),
  })
})
