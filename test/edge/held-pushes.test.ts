import { expect, test } from 'vitest'
import { z } from 'zod'
import { Approval } from '../../src/contract/admin-api/approvals.ts'
import { PushDiff } from '../../src/contract/companion-api/push-diff.ts'
import { startEdgeGate } from './fixtures/edge-gate.ts'
import { ended } from './fixtures/engine.ts'

test('a push that waits is shown and forwarded although its container has stopped at once, with its disk', async () => {
  // Less than a round of the scheduled work, which would copy the push too.
  await using gate = await startEdgeGate({
    repositories: ['held'],
    settings: { GATE_CONTAINER_IDLE_SECONDS: '4' },
  })
  const held = gate.repository('held')
  const ada = await held.agent('ada', { ask: [{ paths: ['.github/**'] }] })
  const work = await ada.clone()
  const commit = await work.commit('Workflow', { '.github/workflows/ci.yml': 'on: push\n' })
  const { output } = await work.push('HEAD:refs/heads/ada/ci')
  const id = /waits for an approval: push (\w+)/.exec(output)?.[1] ?? ''
  expect(id).not.toBe('')
  await ended(held.container())
  const stopped = held.containers().length

  const showDiff = async () => z.array(PushDiff).parse(await gate.admin.request('GET', `/pushes/${id}/diff`))
  const shown = {
    ref: 'refs/heads/ada/ci',
    changes: {
      commits: [{ id: commit, subject: 'Workflow' }],
      files: [{ path: '.github/workflows/ci.yml', added: 1 }],
      diff: { text: expect.stringContaining('+on: push'), truncated: false },
    },
  }
  const both = await Promise.all([showDiff(), showDiff()])
  expect(both).toMatchObject([[shown], [shown]])
  expect(held.containers().length).toBeGreaterThan(stopped)

  const approved = Approval.parse(await gate.admin.request('POST', `/approvals/${id}/approve`))
  expect(approved).toMatchObject({ state: 'forwarded' })
  expect(await held.upstream.ref('refs/heads/ada/ci')).toBe(commit)
}, 90_000)
