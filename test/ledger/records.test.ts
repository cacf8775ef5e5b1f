import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { DeclinedPage } from '../../src/contract/admin-api/findings.ts'
import { type AdminGate, hostKey, seedRepository, startAdminGate } from '../api/fixtures/admin-gate.ts'
import { FINDING, insertPush, setOutcome } from '../api/fixtures/recorded-pushes.ts'

let gate: AdminGate
beforeAll(async () => {
  gate = await startAdminGate()
}, 60_000)
afterAll(() => gate[Symbol.asyncDispose]())

test('a repository needs an SSH upstream, a pinned host key and an identity', async () => {
  await gate.json('POST', '/identities', { name: 'needed' })
  const good = {
    name: 'needs',
    upstream: 'ssh://git@git.example.org:2222/app.git',
    identity: 'needed',
    knownHosts: hostKey('[git.example.org]:2222'),
  }
  const refused = async (wrong: object) => {
    const response = await gate.request('/repositories', post({ ...good, ...wrong }))
    const { error } = z
      .object({ error: z.object({ code: z.string(), fix: z.string() }) })
      .parse(await response.json())
    expect(error.fix).not.toBe('')
    return `${response.status} ${error.code}`
  }
  expect(await refused({ upstream: '/srv/git/app.git' })).toBe('400 bad-upstream')
  expect(await refused({ upstream: 'ext::sh -c id' })).toBe('400 bad-upstream')
  expect(await refused({ knownHosts: hostKey('git.example.com') })).toBe('400 no-host-key')
  expect(await refused({ knownHosts: '# none' })).toBe('400 no-host-key')
  expect(await refused({ identity: 'missing' })).toBe('409 no-identity')
  expect(await refused({ name: 'a/../b' })).toBe('400 bad-request')
  for (const name of ['a/info/refs', 'info/refs', 'a/git-upload-pack', 'git-receive-pack'])
    expect(await refused({ name }), name).toBe('400 bad-request')
  await gate.json('POST', '/repositories', good)
  expect(await refused({})).toBe('409 exists')
  expect(await refused({ name: 'NEEDS' })).toBe('409 exists')
  expect((await gate.request('/identities/needed', { ...post({}), method: 'DELETE' })).status).toBe(409)
  await gate.json('PUT', '/repositories/needs', {
    upstream: good.upstream,
    identity: 'needed',
    knownHosts: good.knownHosts,
    staleReads: true,
  })
  expect(await gate.json('GET', '/repositories/needs')).toMatchObject({ staleReads: true })
})

test('the records of a repository are found in any case of its name, and by the recorded name after its removal', async () => {
  const tables = [
    "INSERT INTO pushes (id, started_at, repository, agent, token_id) VALUES ('spelled', 0, ?, 'ada', 'x')",
    "INSERT INTO fetches (at, repository, agent, token_id) VALUES (0, ?, 'ada', 'x')",
  ]
  for (const sql of tables) await gate.ledger.prepare(sql).bind('Spelled').run()
  const found = async (name: string) => {
    const pages = [
      await gate.json('GET', `/pushes?repository=${name}`),
      await gate.json('GET', `/fetches?repository=${name}`),
    ]
    return JSON.stringify(pages).match(/"Spelled"/g)?.length ?? 0
  }
  expect([await found('Spelled'), await found('SPELLED')]).toEqual([2, 0])
  await gate.json('POST', '/identities', { name: 'spelled' })
  await gate.json('POST', '/repositories', {
    name: 'Spelled',
    upstream: 'ssh://git@github.com/acme/spelled.git',
    identity: 'spelled',
    knownHosts: hostKey('github.com'),
  })
  expect([await found('Spelled'), await found('SPELLED'), await found('other')]).toEqual([2, 2, 0])
})

test('a webhook has no credentials in its URL, since none would be sent', async () => {
  const addStatus = async (url: string) => (await gate.request('/webhooks', post({ url }))).status
  for (const url of [
    'https://ada:secret@example.org/',
    'https://ada@example.org/',
    'http://:secret@example.org/',
  ])
    expect(await addStatus(url), url).toBe(400)
  expect(await addStatus('not a URL')).toBe(400)
  expect(await addStatus('https://example.org/hook?key=a@b:c')).toBe(201)
})

test('a private key goes to the companion, and no response contains it', async () => {
  const privateKey = `private ${crypto.randomUUID()}`
  const made = await gate.json('POST', '/identities', { name: 'given', privateKey })
  expect(made).toMatchObject({ name: 'given', publicKey: expect.stringContaining('ssh-ed25519') })
  expect(gate.companionRequests.at(-1)).toMatchObject({
    pass: { service: 'store-identity', identity: 'given' },
    body: privateKey,
  })
  expect(await gate.dump()).not.toContain(privateKey)
  for (const path of ['/identities', '/identities/given', '/audit-log'])
    expect(JSON.stringify(await gate.json('GET', path))).not.toContain(privateKey)
})

test('an error of the companion is reported without internals', async () => {
  await using broken = await startAdminGate({
    companion: ({ body }) =>
      body === 'no key'
        ? { status: 400, body: { error: 'this is not a private key' } }
        : body === 'starting'
          ? { status: 503, body: 'git-gate: the container is starting; try again in 5 s' }
          : { status: 500, body: { stack: 'at secret.ts:1' } },
  })
  const responseTo = async (body: object) => {
    const response = await broken.request('/identities', {
      method: 'POST',
      headers: { authorization: `Bearer ${broken.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return `${response.status} ${await response.text()}`
  }
  expect(await responseTo({ name: 'a', privateKey: 'no key' })).toMatch(/^400 .*this is not a private key/)
  expect(await responseTo({ name: 'a', privateKey: 'starting' })).toMatch(
    /^502 .*companion-unavailable.*the container is starting; try again in 5 s/,
  )
  const fault = await responseTo({ name: 'a' })
  expect(fault).toMatch(/^502 .*companion-error/)
  expect(fault).not.toContain('secret.ts')
  expect(await broken.json('GET', '/identities')).toEqual([])
})

test('a companion that cannot delete a key is reported, and the same command retries', async () => {
  let isDown = true
  await using broken = await startAdminGate({
    companion: ({ pass }) =>
      pass.service === 'store-identity'
        ? { body: { publicKey: `ssh-ed25519 ${'A'.repeat(68)} git-gate` } }
        : isDown
          ? { status: 500, body: {} }
          : { body: { removed: true } },
  })
  await broken.json('POST', '/identities', { name: 'deploy' })
  await expect(broken.json('DELETE', '/identities/deploy')).rejects.toThrow(
    /502 .*key was not deleted.*git gate identity remove deploy/,
  )
  isDown = false
  expect(await broken.json('DELETE', '/identities/deploy')).toEqual({
    name: 'deploy',
    remainingDeployKeys: [],
  })
})

test("at Cloudflare's edge a private key is a secret: the response has the commands, and a public key is accepted", async () => {
  await using edge = await startAdminGate({ bindings: { GATE_COMPANION_URL: undefined } })
  const ask = (body: object) =>
    edge.request('/identities', {
      method: 'POST',
      headers: { authorization: `Bearer ${edge.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const responseTo = await ask({ name: 'deploy-key' })
  expect(responseTo.status).toBe(409)
  expect(await responseTo.text()).toMatch(/wrangler secret put GATE_IDENTITY_DEPLOY_KEY/)
  const publicKey = hostKey('x').trim().slice(2)
  expect((await ask({ name: 'deploy-key', privateKey: 'x', publicKey })).status).toBe(409)
  expect((await ask({ name: 'deploy-key', publicKey })).status).toBe(201)
  // The same secret's name.
  expect((await ask({ name: 'deploy.key', publicKey })).status).toBe(409)
  expect(edge.companionRequests).toEqual([])
})

const post = (body: object) => ({
  method: 'POST',
  headers: { authorization: `Bearer ${gate.adminToken}`, 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

test('a repository has no more exceptions than a pass can carry', async () => {
  await using gate = await startAdminGate()
  await gate.ledger
    .prepare("INSERT INTO identities (name, public_key, created_at) VALUES ('deploy', 'ssh-ed25519 AAAA', 0)")
    .run()
  await gate.ledger
    .prepare(
      "INSERT INTO repositories (name, upstream, identity, known_hosts, created_at) VALUES ('app', 'ssh://git@github.com/acme/app.git', 'deploy', 'x', 0)",
    )
    .run()
  await gate.ledger
    .prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 499)
       INSERT INTO exceptions (id, repository, fingerprint, reason, granted_by, created_at)
       SELECT 'e' || i, 'app', 'f' || i, 'made up', 'test', 0 FROM n`,
    )
    .run()
  const add = (fingerprint: string) =>
    gate.request('/exceptions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${gate.adminToken}` },
      body: JSON.stringify({ repository: 'app', fingerprint, reason: 'made up' }),
    })
  expect((await add('a'.repeat(32))).status).toBe(201)
  const refused = await add('b'.repeat(32))
  expect(refused.status).toBe(409)
  expect(await refused.json()).toMatchObject({ error: { code: 'too-many-exceptions' } })
  await waitForException(gate, 'p1')
  const approved = await gate.request('/approvals/p1/approve', {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.adminToken}` },
  })
  expect(approved.status).toBe(409)
  expect(await approved.json()).toMatchObject({ error: { code: 'too-many-exceptions' } })
  expect(await gate.json('GET', '/approvals/p1')).toMatchObject({ state: 'waiting', approvedBy: [] })
  await gate.json('DELETE', '/exceptions/e1')
  expect((await add('c'.repeat(32))).status).toBe(201)
})

/** Puts a push on record that waits for an approval of its finding, which grants an exception. */
async function waitForException(gate: AdminGate, id: string): Promise<void> {
  await insertPush(gate, id)
  const approval = { change: id, asks: [], needed: 1, findings: true, until: Date.now() + 60_000 }
  await gate.ledger
    .prepare("UPDATE pushes SET repository = 'app', approval = ? WHERE id = ?")
    .bind(JSON.stringify(approval), id)
    .run()
  await setOutcome(gate, id, 'refused', [{ ...FINDING, asksForException: true }])
}

const Exceptions = z.array(
  z.object({ id: z.string(), fingerprint: z.string(), revokedAt: z.string().nullable() }),
)
const activeExceptions = async (fingerprint: string) =>
  Exceptions.parse(await gate.json('GET', '/exceptions'))
    .filter(each => each.fingerprint === fingerprint && each.revokedAt === null)
    .map(({ id }) => id)

test('a finding has one active exception at most, and none after it is revoked or declined', async () => {
  await seedRepository(gate)
  const fingerprint = '1'.repeat(32)
  const finding = { repository: 'github.com/acme/app', fingerprint }
  const allow = async () =>
    z.object({ id: z.string() }).parse(await gate.json('POST', '/exceptions', { ...finding, reason: 'x' })).id
  await allow()
  const second = await allow()
  expect(await activeExceptions(fingerprint)).toEqual([second])
  await gate.json('DELETE', `/exceptions/${second}`)
  expect(await activeExceptions(fingerprint)).toEqual([])
  await allow()
  await gate.json('POST', '/declines', finding)
  expect(await activeExceptions(fingerprint)).toEqual([])
})

test('the declined findings are listed a page at a time, newest first', async () => {
  await gate.json('POST', '/identities', { name: 'of-declined' })
  await gate.json('POST', '/repositories', {
    name: 'declined',
    upstream: 'ssh://git@github.com/acme/declined.git',
    identity: 'of-declined',
    knownHosts: hostKey('github.com'),
  })
  const fingerprints = ['a', 'b', 'c'].map(each => each.repeat(32))
  for (const fingerprint of fingerprints)
    await gate.json('POST', '/declines', { repository: 'declined', fingerprint })
  const page = async (cursor = '') =>
    DeclinedPage.parse(await gate.json('GET', `/declines?repository=declined&limit=2${cursor}`))
  const first = await page()
  const second = await page(`&cursor=${first.next}`)
  expect(second.next).toBeNull()
  const listed = [...first.declined, ...second.declined].map(each => each.fingerprint)
  expect(listed.toSorted()).toEqual(fingerprints)
})

test('two exceptions of an older gate for one finding are revoked together', async () => {
  const [one, two] = ['older-one', 'older-two']
  for (const id of [one, two])
    await gate.ledger
      .prepare(
        "INSERT INTO exceptions (id, repository, fingerprint, reason, granted_by, created_at) VALUES (?, 'github.com/acme/app', 'two', '', 'x', 0)",
      )
      .bind(id)
      .run()
  await gate.json('DELETE', `/exceptions/${one}`)
  expect(await activeExceptions('two')).toEqual([])
})

test('the expiry of a token is in UTC, whatever its time zone was', async () => {
  await gate.request('/agents', post({ name: 'ada' }))
  expect(
    await gate.json('POST', '/tokens', { agent: 'ada', expiresAt: '2101-01-01T00:00:00+05:30' }),
  ).toMatchObject({ expiresAt: '2100-12-31T18:30:00.000Z' })
})

test('a grant too large for a pass is rejected', async () => {
  await gate.request('/agents', post({ name: 'ada' }))
  const denyPaths = Array.from({ length: 200 }, (_, i) => `${i}${'\u6f22'.repeat(500)}`)
  const answer = await gate.request('/grants/ada/github.com%2Facme%2Fapp', {
    ...post({ rules: [], denyPaths }),
    method: 'PUT',
  })
  expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'too-large' } }])
})
