import { expect, test } from 'vitest'
import { Approval } from '../../src/contract/admin-api/approvals.ts'
import { startEdgeGate } from './fixtures/edge-gate.ts'
import { ended } from './fixtures/engine.ts'

test('a push that waits is forwarded although its container has stopped meanwhile, with its disk', async () => {
  // Longer than two rounds of the scheduled work, which keeps the push.
  await using gate = await startEdgeGate({
    repositories: ['held'],
    settings: { GATE_CONTAINER_IDLE_SECONDS: '12' },
  })
  const held = gate.repository('held')
  const ada = await held.agent('ada', { ask: [{ paths: ['.github/**'] }] })
  const work = await ada.clone()
  const commit = await work.commit('Workflow', { '.github/workflows/ci.yml': 'on: push\n' })
  const { output } = await work.push('HEAD:refs/heads/ada/ci')
  const id = /waits for an approval: push (\w+)/.exec(output)?.[1] ?? ''
  expect(id).not.toBe('')
  await ended(held.container())

  const approved = Approval.parse(await gate.admin.request('POST', `/approvals/${id}/approve`))
  expect(approved).toMatchObject({ state: 'forwarded' })
  expect(held.containers()).toHaveLength(2)
  expect(await held.upstream.ref('refs/heads/ada/ci')).toBe(commit)
}, 90_000)
