import { expect, test } from 'vitest'
import { startAdminGate } from '../api/fixtures/admin-gate.ts'

const oid = (i: number) => i.toString(16).padStart(64, '0')
const objects = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ oid: oid(from + i), size: 5 }))

/** Starts a gate whose upstream has the first 20 objects, and makes each lock that is asked for. */
async function startLfsGate() {
  let locks = 0
  const gate = await startAdminGate({
    companion: ({ pass, body }) => {
      if (pass.service === 'store-identity')
        return { body: { publicKey: `ssh-ed25519 ${'A'.repeat(68)} git-gate` } }
      if (pass.service === 'lfs-locks' && pass.path.endsWith('/unlock'))
        return { status: 404, body: { message: 'no such lock' } }
      if (pass.service === 'lfs-locks') return { body: { lock: { id: `l${locks++}`, path: 'a.bin' } } }
      if (pass.service !== 'lfs-batch') return { body: { steps: [] } }
      const asked = (JSON.parse(body) as { objects: { oid: string; size: number }[] }).objects
      return { body: { objects: asked.map(each => ({ ...each, isPresent: each.oid < oid(20) })) } }
    },
  })
  await gate.json('POST', '/identities', { name: 'app' })
  const knownHosts = `127.0.0.1 ssh-ed25519 ${'A'.repeat(68)}`
  await gate.json('POST', '/repositories', {
    name: 'app',
    upstream: 'ssh://git@127.0.0.1/app.git',
    identity: 'app',
    knownHosts,
  })
  await gate.json('POST', '/agents', { name: 'ada' })
  await gate.json('PUT', '/grants/ada/app', { rules: [{ pattern: 'refs/heads/**', allow: ['create'] }] })
  const { token } = (await gate.json('POST', '/tokens', { agent: 'ada' })) as { token: string }
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`${gate.url}/app.git/info/lfs${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: answer.status, text: await answer.text() }
  }
  const count = async (sql: string) => (await gate.ledger.prepare(sql).all()).results[0]?.n
  return { gate, post, count, [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose]() }
}

test('an agent that asks for many objects, and asks again, writes few rows', async () => {
  await using lfs = await startLfsGate()
  for (let round = 0; round < 3; round++)
    await lfs.post('/objects/batch', { operation: 'download', objects: objects(0, 1_000) })
  await expect.poll(() => lfs.count("SELECT count(*) AS n FROM transfers WHERE outcome = 'missing'")).toBe(30)
  expect(await lfs.count("SELECT count(*) AS n FROM transfers WHERE outcome = 'granted'")).toBe(20)
})

test('an agent holds a bounded number of locks, and a lock that upstream lost is forgotten', async () => {
  await using lfs = await startLfsGate()
  expect((await lfs.post('/locks', { path: 'a.bin' })).status).toBe(200)
  await lfs.gate.ledger
    .prepare(
      `INSERT INTO lfs_locks (repository, id, agent, created_at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
       SELECT 'app', 'other' || i, 'ada', 0 FROM n`,
    )
    .run()
  expect(await lfs.post('/locks', { path: 'b.bin' })).toMatchObject({
    status: 403,
    text: expect.stringContaining('ada holds 1000 locks in app; unlock some first'),
  })
  expect((await lfs.post('/locks/l0/unlock', {})).status).toBe(404)
  expect((await lfs.post('/locks', { path: 'b.bin' })).status).toBe(200)
})
