import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { approvalsOf } from '../approval/fixtures/approvals.ts'
import { type Agent, type Gate, sharedGate } from '../harness/index.ts'
import { anyKey } from '../scan/fixtures/fakes.ts'

let gate: Gate
let ada: Agent
beforeAll(async () => {
  gate = await sharedGate()
  ada = await gate.agent('ada', { push: ['ada/**'], denyPaths: ['.github/workflows/**'] })
})
afterAll(() => gate[Symbol.asyncDispose]())

/** Connects a client of the protocol's library with an agent's token. */
async function connect({ token }: { token: string }, mode: 'legacy' | 'auto' = 'auto') {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${gate.url}/-/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  )
  return {
    client,
    call: async (name: string, args: Record<string, unknown> = {}) => {
      const { content } = await client.callTool({ name, arguments: args })
      return content.map(each => (each.type === 'text' ? each.text : '')).join('\n')
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}

test('an agent finds its tools, and its repositories', async () => {
  await using tools = await connect(ada)
  expect(tools.client.getNegotiatedProtocolVersion()).toMatch(/^2026/)
  const { tools: list } = await tools.client.listTools()
  expect(list.map(({ name }) => name)).toEqual([
    'list_repositories',
    'show_grant',
    'check_push',
    'explain_push',
    'finding_status',
    'approval_status',
    'request_approval',
    'request_exception',
    'open_pull_request',
  ])
  const wanted = { repository: 'app', branch: 'ada/fix', base: 'main', title: 'Fix' }
  expect(await tools.call('open_pull_request', wanted)).toBe(
    'no: ada may not open pull requests in app; an operator allows it: git gate grant set ada app --pull-requests',
  )
  expect(await tools.call('list_repositories')).toBe(`app: read and push; ${gate.url}/app.git`)
  expect(await tools.call('show_grant', { repository: 'app' })).toContain('refs/heads/ada/**: create, update')
  expect(await tools.call('show_grant', { repository: 'other' })).toContain('ada has no grant for other')
})

test('an agent learns before a push whether its grant allows it', async () => {
  await using tools = await connect(ada)
  const check = (args: object) => tools.call('check_push', { repository: 'app', ...args })
  expect(await check({ ref: 'ada/fix', action: 'create' })).toMatch(/^yes: /)
  expect(await check({ ref: 'main' })).toMatch(
    /^no\nupdate of refs\/heads\/main is not allowed; you may create refs/,
  )
  expect(await check({ ref: 'ada/fix', action: 'force' })).toMatch(/^no\nforce of refs\/heads\/ada\/fix/)
  expect(await check({ ref: 'ada/fix', paths: ['a.txt', '.github/workflows/ci.yml'] })).toBe(
    'no\nthe grant denies .github/workflows/**: .github/workflows/ci.yml',
  )
})

test('an agent reads why its push was refused, and the decision on its finding', async () => {
  const bea = await gate.agent('bea', { push: ['bea/**'] })
  const work = await bea.clone()
  await work.commit('Key', { 'key.txt': `key = "${anyKey()}"\n` })
  expect((await work.push('HEAD:refs/heads/bea/key')).code).not.toBe(0)
  await using tools = await connect(bea)
  const why = await tools.call('explain_push')
  expect(why).toMatch(
    /^push \w+ into app, .*: refused\nrefs\/heads\/bea\/key: refused, git-gate: secret found/,
  )
  const fingerprint = /finding: \S+ in key\.txt:1, fingerprint (\S+)/.exec(why)?.[1] ?? ''
  const status = () => tools.call('finding_status', { repository: 'app', fingerprint })
  expect(await status()).toMatch(/^no decision yet/)
  await gate.admin.request('POST', '/declines', { repository: 'app', fingerprint, reason: 'rotate it' })
  approvalsOf(gate).inLedger(
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 300)
     INSERT INTO declines (repository, fingerprint, reason, declined_by, created_at)
       SELECT 'app', 'later ' || n, '', 'x', ? FROM numbers`,
    Date.now() + 1_000,
  )
  expect(await status()).toBe('an operator declined it: rotate it')
  await gate.admin.request('POST', '/exceptions', { repository: 'app', fingerprint, reason: 'a sample' })
  expect(await status()).toMatch(/^an exception lets it pass: push again$/)

  await using others = await connect(ada)
  const id = /^push (\w+)/.exec(why)?.[1]
  expect(await others.call('explain_push', { push: id })).toBe(`ada has no push ${id}`)
  await gate.admin.request('POST', '/agents', { name: 'guest' })
  const guest = await gate.admin.request('POST', '/tokens', { agent: 'guest' })
  await using stranger = await connect(z.object({ token: z.string() }).parse(guest))
  expect(await stranger.call('finding_status', { repository: 'app', fingerprint })).toMatch(
    /^guest has no grant for app\./,
  )
})

test('clients of the revision before are served too', async () => {
  await using tools = await connect(ada, 'legacy')
  expect(tools.client.getNegotiatedProtocolVersion()).toMatch(/^2025/)
  expect(await tools.call('list_repositories')).toContain('/app.git')
})

test('the tools need a token of the gate', async () => {
  for (const authorization of [undefined, `Bearer ${gate.adminToken}`, 'Bearer x'])
    expect(
      (
        await fetch(`${gate.url}/-/mcp`, {
          method: 'POST',
          body: '{}',
          ...(authorization && { headers: { authorization } }),
        })
      ).status,
    ).toBe(401)
})
