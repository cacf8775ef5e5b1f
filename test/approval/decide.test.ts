import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openConsole, startBrowser, untilLoaded } from '../console/fixtures/browser.ts'
import { type Agent, type OwnGate, startGate } from '../harness/index.ts'
import { anyKey } from '../scan/fixtures/fakes.ts'
import { approvalsOf, pushThatWaits } from './fixtures/approvals.ts'

let gate: OwnGate
let approvals: ReturnType<typeof approvalsOf>
let ada: Agent
beforeAll(async () => {
  gate = await startGate({ settings: { GATE_PUBLIC_URL: 'https://gate.example' } })
  approvals = approvalsOf(gate)
  ada = await gate.agent('ada', { push: ['ada/**'], ask: [{ paths: ['.github/**'] }] })
})
afterAll(() => gate[Symbol.asyncDispose]())

test('no route of the gate lets an agent approve, with its token in any place', async () => {
  const push = await pushThatWaits(ada, 'own')
  const { paths } = z
    .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
    .parse(await (await fetch(`${gate.url}/-/api/v1/openapi.json`)).json())
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, push.id)] as const),
  )
  expect(routes).toContainEqual(['POST', `/approvals/${push.id}/approve`])
  for (const [method, path] of routes) {
    const sent = method === 'GET' ? undefined : { reason: 'mine' }
    expect(await approvals.as(ada.token, method, path, sent)).toMatchObject({ status: 401 })
  }
  const basic = `Basic ${Buffer.from(`ada:${ada.token}`).toString('base64')}`
  for (const authorization of [basic, `Bearer ${ada.token}`]) {
    const post = (path: string) =>
      fetch(`${gate.url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'decision=approve',
      })
    expect((await post(`/-/console/approvals/${push.id}`)).status).toBeGreaterThanOrEqual(300)
    expect((await post('/-/companion')).status).toBe(403)
    expect((await post('/app')).status).toBe(400)
  }
  await using tools = await connect(ada)
  for (const { name } of (await tools.client.listTools()).tools)
    await tools.call(name, {
      push: push.id,
      repository: 'app',
      reason: 'approve it',
      ref: 'main',
      fingerprint: 'x',
    })
  expect(await approvals.show(push.id)).toMatchObject({ state: 'waiting', approvedBy: [] })
  expect(await gate.upstream.ref(push.ref)).toBeUndefined()
})

test('an agent asks with a reason and learns the decision, by its tools and by plain JSON', async () => {
  const push = await pushThatWaits(ada, 'tools')
  await using tools = await connect(ada)
  const check = { repository: 'app', ref: 'ada/x', action: 'create', paths: ['.github/a.yml'] }
  expect(await tools.call('check_push', check)).toContain(
    'it will wait for an approval: changes of .github/**',
  )
  expect(await tools.call('approval_status', { push: push.id })).toContain(
    `approval of push ${push.id}: waiting`,
  )
  await tools.call('request_approval', { push: push.id, reason: 'CI is red without it' })
  expect(await approvals.show(push.id)).toMatchObject({ note: 'CI is red without it' })

  const ask = async (query: string, body?: unknown, { token } = ada) => {
    const answer = await fetch(`${gate.url}/app${query}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, ...z.record(z.string(), z.unknown()).parse(await answer.json()) }
  }
  expect(await ask('', { push: push.id, reason: 'still red' })).toMatchObject({ status: 200 })
  expect(await ask(`?push=${push.id}`)).toMatchObject({
    push: { id: push.id, outcome: 'refused' },
    approval: { state: 'waiting', note: 'still red', needed: 1 },
  })
  expect(await ask('?ref=main')).toMatchObject({ answer: expect.stringMatching(/^no\n/) })
  const eve = await gate.agent('eve', { push: ['eve/**'] })
  expect(await ask(`?push=${push.id}`, undefined, eve)).toMatchObject({ push: null, approval: null })
  expect(await ask('', { push: push.id, reason: 'mine' }, eve)).toMatchObject({
    answer: expect.stringContaining('eve has no push'),
  })
  await approvals.reject(push.id, 'use the shared workflow')
  expect(await tools.call('approval_status', { push: push.id })).toMatch(
    /rejected\n[\s\S]*the answer: use the shared workflow\nchange the commits as the reason says/,
  )
  expect(await ask(`?push=${push.id}`)).toMatchObject({ approval: { state: 'rejected' } })
})

test('an agent asks for an exception with a reason, which the operators read, and a chat service is told of', async () => {
  using receiver = await startReceiver()
  await gate.admin.request('POST', '/webhooks', { url: receiver.url, format: 'slack' })
  const work = await ada.clone()
  await work.commit('Key', { 'key.txt': `key = "${anyKey()}"\n` })
  const { output } = await work.push('HEAD:refs/heads/ada/key')
  await gate.tick()
  const fingerprint = /fingerprint (\S+)/.exec(output)?.[1] ?? ''
  await using tools = await connect(ada)
  const asked = { repository: 'app', fingerprint, reason: 'a value of the documentation' }
  expect(await tools.call('request_exception', asked)).toContain('the operators see your request')
  const { pending } = z
    .object({ pending: z.array(z.object({ finding: z.record(z.string(), z.unknown()) })) })
    .parse(await gate.admin.request('GET', '/pending'))
  expect(pending[0]?.finding).toMatchObject({ fingerprint, asksForException: true, request: asked.reason })
  expect(await tools.call('request_exception', { ...asked, fingerprint: 'x' })).toContain('no refused push')
  await using others = await connect(await gate.agent('eve', { push: ['eve/**'] }))
  expect(await others.call('request_exception', asked)).toContain('no refused push')
  await gate.tick()
  await tools.call('request_exception', asked)
  await gate.tick()
  expect(receiver.bodies).toEqual([
    expect.stringContaining('A secret was found'),
    expect.stringMatching(/A finding waits for your decision.*a value of the documentation/),
  ])
})

test('a webhook is told of a push that waits, with the page of the decision, where the console approves it', async () => {
  using receiver = await startReceiver()
  using chat = await startReceiver()
  await gate.admin.request('POST', '/webhooks', { url: receiver.url, events: 'approvals' })
  await gate.admin.request('POST', '/webhooks', { url: chat.url, events: 'approvals', format: 'teams' })
  const push = await pushThatWaits(ada, 'hook')
  await ada.push('refs/heads/ada/plain', 'plain')
  await gate.tick()
  const approvalPage = `https://gate.example/-/console/approvals/${push.id}`
  expect(receiver.bodies.map(body => JSON.parse(body))).toMatchObject([
    { push: { id: push.id }, approvalPage },
  ])
  expect(chat.bodies).toEqual([expect.stringMatching(/A push waits for your approval.*\/approvals\//)])

  await using browser = await startBrowser()
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/approvals')
  await page.getByText('changes .github/workflows/hook.yml').waitFor()
  await open(`/approvals/${push.id}`)
  await page.getByText('waiting', { exact: true }).waitFor()
  await untilLoaded(page, () => page.getByRole('button', { name: 'Approve' }).click())
  await page.getByText('forwarded', { exact: true }).waitFor()
  expect(await gate.upstream.ref(push.ref)).toBe(push.commit)
  const rejected = await pushThatWaits(ada, 'console')
  await open(`/approvals/${rejected.id}`)
  await page.getByLabel('Reason of a rejection').fill('not this week')
  await untilLoaded(page, () => page.getByRole('button', { name: 'Reject' }).click())
  await page.getByText('not this week').waitFor()
  expect(operator.errors).toEqual([])
})

/** A server that records the bodies of requests. */
async function startReceiver() {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    bodies.push(body)
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    bodies,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.dispose]: () => server.close(),
  }
}

/** Connects a client of the protocol's library with an agent's token. */
async function connect({ token }: Agent) {
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${gate.url}/-/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  )
  return {
    client,
    call: async (name: string, args: Record<string, unknown>) => {
      const { content } = await client.callTool({ name, arguments: args })
      return content.map(each => (each.type === 'text' ? each.text : '')).join('\n')
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}
