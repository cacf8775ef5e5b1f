import { expect, test } from 'vitest'
import { accepted, git } from '../harness/index.ts'
import { startEdgeGate } from './edge-gate.ts'

test('ten agents who come at once start one container, with the secrets of its own repository alone', async () => {
  await using gate = await startEdgeGate({
    repositories: ['app', 'other'],
    settings: { GATE_SCAN_SECONDS: '77' },
  })
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const asked = await Promise.all(Array.from({ length: 10 }, () => git(['ls-remote', ada.url])))
  for (const ran of asked) expect(ran).toMatchObject(accepted)
  expect(gate.engine.of('app')).toHaveLength(1)
  expect(gate.engine.of('other')).toHaveLength(0)
  const { env } = gate.engine.running('app')
  expect(Object.keys(env).sort()).toEqual([
    'COMPANION_PORT',
    'GATE_IDENTITY_FOR_APP',
    'GATE_PASS_KEY',
    'GATE_SCAN_SECONDS',
  ])
  const work = await ada.clone()
  const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  expect(await work.push('HEAD:refs/heads/ada/hello')).toMatchObject(accepted)
  expect(await gate.upstream('app').ref('refs/heads/ada/hello')).toBe(commit)
  expect(await gate.ledger.last()).toMatchObject({ outcome: 'accepted' })
})
