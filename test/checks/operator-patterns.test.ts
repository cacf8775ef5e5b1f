import { expect, test } from 'vitest'
import { seconds, sharedGate } from '../harness/index.ts'
import { githubToken } from '../scan/fixtures/fakes.ts'

/** Patterns that are linear in Go. A backtracking engine takes hours on the path below. */
const PATHS = ['^(\\w+/?)*\\.fixture$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(a|aa)+\\.fixture$']

test("no path makes an operator's path patterns block a push or the companion", async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const repository = (await gate.admin.request('GET', '/repositories/app')) as Record<string, unknown>
  const gitleaksConfig = `[[allowlists]]\npaths = [${PATHS.map(path => `'''${path}'''`).join(', ')}]\n`
  await gate.admin.request('PUT', '/repositories/app', {
    upstream: repository.upstream,
    identity: repository.identity,
    knownHosts: repository.knownHosts,
    gitleaksConfig,
  })
  const files = Array.from({ length: 20 }, (_, i) => [
    `${'a'.repeat(200)}${i}!.py`,
    `k = "${githubToken()}"\n`,
  ])
  const work = await ada.clone()
  await work.commit('Add keys', Object.fromEntries(files))
  const push = work.push('HEAD:refs/heads/ada/keys')
  const waits: number[] = []
  let hasEnded = false
  const ended = push.finally(() => {
    hasEnded = true
  })
  while (!hasEnded) {
    const started = performance.now()
    await (await fetch(`${gate.companion.url}/health`)).text()
    waits.push(performance.now() - started)
  }
  expect((await ended).output).toContain('secret')
  expect(Math.max(...waits)).toBeLessThan(seconds(3))
  const [{ findings } = { findings: [] }] = await gate.ledger.pushes()
  expect(findings).toHaveLength(20)
})
