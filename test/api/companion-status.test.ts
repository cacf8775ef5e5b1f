import { expect, test } from 'vitest'
import { LiveStatus } from '../../src/contract/admin-api/status.ts'
import { gitGate } from '../cli/command.ts'
import { postPush, pushBody } from '../faults/fixtures/raw-push.ts'
import { accepted, type Gate, megabytes, seconds, startGate, until } from '../harness/index.ts'

const liveStatus = async (gate: Gate, repository: string) =>
  LiveStatus.parse(await gate.admin.request('GET', `/repositories/${repository}/status`))

/** The samples of `/-/metrics` by name and labels. */
async function readMetrics(gate: Gate): Promise<Map<string, number>> {
  const answer = await fetch(`${gate.url}/-/metrics`, {
    headers: { authorization: `Bearer ${gate.adminToken}` },
  })
  expect(answer.status).toBe(200)
  const samples = (await answer.text()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map(line => {
      const [, name = '', value] = /^(.*) (\S+)$/.exec(line) ?? []
      return [name, Number(value)]
    }),
  )
}

test('a companion reports its mirror, its sessions and their outcomes, and the metrics have them too', async () => {
  await using gate = await startGate({ settings: { GATE_CLIENT_IDLE_SECONDS: '1' } })
  const before = Date.now()
  expect(await liveStatus(gate, 'app')).toMatchObject({
    companion: 'running',
    status: { mirror: { freshAt: null, lastRefresh: null, bytes: null }, sessions: [] },
  })
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  const work = await ada.clone()
  await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  expect(await work.push('HEAD:refs/heads/ada/hello')).toMatchObject(accepted)
  const push = await gate.ledger.last()
  expect(push.disconnectReason).toBeNull()
  expect(push.scannedBytes).toBeGreaterThan('hello\n'.length)

  const fresh = await liveStatus(gate, 'app')
  expect(fresh.status?.mirror.freshAt).toBeGreaterThanOrEqual(before)
  expect(fresh.status?.mirror.lastRefresh).toMatchObject({ error: null, ms: expect.any(Number) })
  expect(fresh.status?.mirror.bytes).toBeGreaterThan(0)
  expect(fresh.status?.counts).toMatchObject({
    refreshes: { failed: 0 },
    sessions: { 'git-upload-pack': { served: expect.any(Number) }, 'git-receive-pack': { accepted: 1 } },
    disconnects: {},
    scanned: { bytes: push.scannedBytes, objects: 2, gitleaks: 1 },
  })

  await work.commit('Something big', { big: megabytes(2) })
  const bytes = await pushBody(work, 'refs/heads/ada/big')
  const stalled = await postPush(gate.port, '/app.git/git-receive-pack', {
    authorization: `Bearer ${ada.token}`,
  })
  stalled.send(bytes.subarray(0, bytes.length / 2))
  await until(
    async () =>
      (await liveStatus(gate, 'app')).status?.sessions.find(each => each.service === 'git-receive-pack'),
    seconds(30),
    () => 'the push is not among the live sessions',
  )
  const abandoned = await gate.ledger.until(({ outcome }) => outcome === 'abandoned')
  expect(abandoned).toMatchObject({ disconnectReason: 'idle-timeout', scannedBytes: 0 })
  stalled.destroy()

  const pushShow = await gitGate(['push', 'show', abandoned.id], {
    env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
  })
  expect(pushShow.stdout).toMatch(/^outcome +abandoned.*\ndisconnect +the client stopped sending$/m)
  const scannedShow = await gitGate(['push', 'show', push.id], {
    env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
  })
  expect(scannedShow.stdout).toMatch(/^scanned +\d.* by gitleaks$/m)

  const repository = await gitGate(['repo', 'show', 'app'], {
    env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
  })
  expect(repository.stdout).toMatch(
    /^mirror +up to date as of \d{4}-.*, refreshed in \d.* s, \d+ (bytes|KiB)/m,
  )

  await gate.idle({ within: seconds(30) })
  const metrics = await readMetrics(gate)
  expect(metrics.get('gate_companions{state="running"}')).toBe(1)
  expect(
    metrics.get('gate_sessions_total{repository="app",service="git-receive-pack",outcome="abandoned"}'),
  ).toBe(1)
  expect(metrics.get('gate_sessions_disconnected_total{repository="app",reason="idle-timeout"}')).toBe(1)
  expect(metrics.get('gate_sessions_live{repository="app"}')).toBe(0)
  expect(metrics.get('gate_refreshes_total{repository="app",outcome="succeeded"}')).toBeGreaterThan(0)
  expect(metrics.get('gate_scanned_bytes_total{repository="app"}')).toBe(push.scannedBytes)
  expect(metrics.get('gate_gitleaks_starts_total{repository="app"}')).toBe(1)
  expect(metrics.get('gate_mirror_bytes{repository="app"}')).toBeGreaterThan(0)
})

test('a failed refresh is reported with its reason, and a companion that hangs does not delay the response', async () => {
  await using gate = await startGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  await gate.upstream.stop()
  expect((await ada.tryClone()).code).not.toBe(0)
  const { status: now } = await liveStatus(gate, 'app')
  expect(now?.mirror).toMatchObject({
    freshAt: null,
    lastRefresh: { error: expect.stringContaining('upstream') },
  })
  expect(now?.counts.refreshes).toMatchObject({ succeeded: 0, failed: 1 })
  expect(now?.counts.sessions['advertise-upload-pack']).toEqual({ failed: 1 })

  process.kill(gate.companion.pid, 'SIGSTOP')
  try {
    const started = performance.now()
    expect(await liveStatus(gate, 'app')).toEqual({ companion: 'unreachable', status: null })
    const metrics = await readMetrics(gate)
    expect(metrics.get('gate_companions{state="unreachable"}')).toBe(1)
    expect(metrics.has('gate_pushes_open')).toBe(true)
    expect(performance.now() - started).toBeLessThan(seconds(8))
  } finally {
    process.kill(gate.companion.pid, 'SIGCONT')
  }
})

test('a companion that hangs does not delay the scheduled handler', async () => {
  await using gate = await startGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  const openPushes = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const push = await postPush(gate.port, '/app.git/git-receive-pack', {
        authorization: `Bearer ${ada.token}`,
      })
      push.send(Buffer.from('00'))
      return push
    }),
  )
  // The sweep skips pushes that have just started.
  await until(
    async () => {
      const pushes = await gate.ledger.pushes()
      const isOldEnough = pushes.every(({ startedAt }) => Date.now() - Date.parse(startedAt) > seconds(2))
      return pushes.length === openPushes.length && isOldEnough ? true : undefined
    },
    seconds(20),
    () => 'the pushes are not on record',
  )
  process.kill(gate.companion.pid, 'SIGSTOP')
  try {
    const started = performance.now()
    await gate.tick()
    expect(performance.now() - started).toBeLessThan(seconds(8))
  } finally {
    process.kill(gate.companion.pid, 'SIGCONT')
  }
  for (const push of openPushes) push.destroy()
})
