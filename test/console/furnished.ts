import { Reaped } from '../../src/contract/outcome.ts'
import type { Gate } from '../harness/index.ts'
import { objectId, STEPS, writeHistory } from './history.ts'

/** A gate with something on every page; answers with all the pages. */
export async function furnished(gate: Gate): Promise<string[]> {
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'], tags: ['*'] })
  await ada.push('refs/heads/ada/hello', { 'hello.txt': 'hello\n' })
  const { id: pushed } = await gate.ledger.last()
  const now = Date.now()
  const finding = {
    rule: 'generic-api-key',
    path: 'a/rather/long/path/that/does/not/fit/on/a/telephone/configuration.production.json',
    line: 12,
    commit: objectId(),
    fingerprint: objectId(),
    excerpt: '"key": "[redacted]',
    asksForException: true,
  }
  const outcomes = ['accepted', 'failed', 'abandoned'] as const
  const [id] = writeHistory(gate.home, [
    {
      startedAt: now,
      outcome: 'refused',
      findings: [finding],
      steps: STEPS.slice(0, -1).map((step, i) => ({ step, ms: 10 + i * 150 })),
      told: [`git-gate: refused refs/heads/ada/${'long-'.repeat(30)}name`],
      refs: [
        {
          ref: `refs/heads/ada/${'long-'.repeat(30)}name`,
          old: '0'.repeat(40),
          new: objectId(),
          status: 'ng',
          reason: 'git-gate: secret found',
        },
      ],
    },
    ...Array.from({ length: 60 }, (_, i) => ({
      startedAt: now - (i + 2) * 3_600_000,
      outcome: outcomes[i % 3] ?? 'accepted',
      reaped: i % 3 === 2 ? (Reaped.options[i % Reaped.options.length] ?? null) : null,
      scannedBytes: i % 3 === 0 ? 9_000 * i : 0,
      steps: STEPS.map((step, at) => ({ step, ms: 20 * (i + at) })),
      told: ['git-gate: something was said'],
    })),
  ])
  await gate.admin.ask('POST', '/exceptions', {
    repository: 'app',
    fingerprint: objectId(),
    reason: 'a made-up value',
  })
  await gate.admin.ask('POST', '/declines', { repository: 'app', fingerprint: objectId() })
  return [
    '/pushes',
    `/pushes/${id}`,
    `/pushes/${pushed}/introduced`,
    '/waiting',
    '/repositories',
    '/repositories/app',
    '/agents',
    '/agents/ada',
    '/agents/ada/grants/app',
    '/overview',
    '/nowhere',
  ]
}
