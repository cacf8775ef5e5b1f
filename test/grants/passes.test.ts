import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CALL_PATH, signCall } from '../../src/contract/companion-api/companion-call.ts'
import {
  PASS_HEADER,
  PASS_SECONDS,
  type Pass,
  PROTOCOL,
  signPass,
} from '../../src/contract/companion-api/pass.ts'
import { grantOn } from '../faults/fixtures/passes.ts'
import { type Gate, seconds, sharedGate } from '../harness/index.ts'
import { body, request, ZERO } from './wire.ts'

let gate: Gate
let wanted: Awaited<ReturnType<typeof grantOn>>
beforeAll(async () => {
  gate = await sharedGate()
  await gate.agent('ada', { push: ['ada/**'] })
  wanted = await grantOn(gate, 'app', 'ada')
}, seconds(60))
afterAll(() => gate?.[Symbol.asyncDispose]())

const soon = () => Math.floor(Date.now() / 1000) + PASS_SECONDS
const base = () => ({ v: PROTOCOL, id: randomUUID(), exp: soon() }) as const
const git = () => ({ ...base(), repository: wanted.repository, agent: wanted.agent, terms: wanted.terms })
const advertise = (): Pass => ({ service: 'advertise-receive-pack', ...git() })
const pushing = (): Pass => ({ service: 'git-receive-pack', ...git(), exceptions: [], gitleaksConfig: '' })
const sign = (pass: object, key = gate.passKey) => signPass(pass as Pass, key)

const NOTHING = body([[ZERO, ZERO, 'refs/heads/x']])
const ask = async (
  pass: string | string[],
  method = 'GET',
  path = '/info/refs',
  headers: Record<string, string> = {},
) => {
  const { status, body: said } = await request(
    gate.companion.url,
    path,
    method,
    method === 'POST' ? NOTHING : Buffer.alloc(0),
    { ...headers, ...(pass.length ? { [PASS_HEADER]: pass } : {}) },
  )
  return { status, said: said.toString('utf8') }
}

test('without a pass a companion tells its protocol, and of no repository or push', async () => {
  const { said } = await ask([], 'GET', '/health')
  expect(JSON.parse(said)).toEqual({ ok: true, protocol: PROTOCOL })
})

test('a pass is valid for one request only', async () => {
  const advertisement = await sign(advertise())
  expect((await ask(advertisement)).status).toBe(200)
  expect(await ask(advertisement)).toMatchObject({
    status: 403,
    said: expect.stringMatching(/has been used/),
  })
  const push = await sign(pushing())
  expect((await ask(push, 'POST', '/git-receive-pack')).status).toBe(200)
  expect((await ask(push, 'POST', '/git-receive-pack')).status).toBe(403)
  // Another encoding of the same signature is the same pass, which is used.
  expect((await ask(`${push}=`, 'POST', '/git-receive-pack')).status).toBe(403)
  expect((await ask(push.replaceAll('-', '+'), 'POST', '/git-receive-pack')).status).toBe(403)
})

test('with the pass key the Worker issues passes only for the agent of git://, if there is one', async () => {
  const service = 'git-receive-pack'
  const { agent, repository } = wanted
  const call = { call: 'pass', service, repository: repository.name, agent, clientAddress: '' } as const
  const signed = await signCall(call, gate.passKey, Date.now() / 1000)
  const answer = await fetch(`${gate.url}${CALL_PATH}`, { method: 'POST', body: signed })
  expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('GATE_GIT_AGENT')])
  expect(await gate.ledger.pushes()).toEqual([])
})

test('of many simultaneous uses of a pass, one succeeds', async () => {
  const pass = await sign(advertise())
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(pass)))
  expect(answers.filter(answer => answer.status === 200)).toHaveLength(1)
})

test('a pass with any altered character is refused', async () => {
  const pass = await sign(pushing())
  const dot = pass.indexOf('.')
  const places = [0, 1, 20, dot - 1, dot, dot + 1, pass.length - 2]
  for (const place of places) {
    const other = pass[place] === 'A' ? 'B' : 'A'
    const altered = pass.slice(0, place) + other + pass.slice(place + 1)
    expect((await ask(altered, 'POST', '/git-receive-pack')).status, `at ${place}`).toBe(403)
  }
  const more = (change: object) =>
    Buffer.from(JSON.stringify({ ...pushing(), ...change })).toString('base64url')
  const mac = pass.slice(dot + 1)
  for (const change of [
    { agent: 'root' },
    { terms: { rules: [{ pattern: 'refs/heads/**', allow: ['create'] }] } },
    { exp: soon() * 2 },
  ])
    expect((await ask(`${more(change)}.${mac}`, 'POST', '/git-receive-pack')).status).toBe(403)
  for (const text of [
    mac,
    `${pass}.${mac}`,
    `.${mac}`,
    `${pass.slice(0, dot)}.`,
    '.',
    '..',
    'x'.repeat(100_000),
  ])
    expect((await ask(text, 'POST', '/git-receive-pack')).status).toBe(403)
})

test.each([
  ['no pass', () => '', /no pass/],
  [
    'a pass that has expired',
    () => sign({ ...pushing(), exp: Math.floor(Date.now() / 1000) - 1 }),
    /expired/,
  ],
  [
    'a pass of another gate',
    () => sign(pushing(), 'another key that is just as long as it has to be'),
    /not signed by this gate/,
  ],
  ['a pass of another version', () => sign({ ...pushing(), v: PROTOCOL + 1 }), /protocol/],
  [
    'a pass without a repository',
    () => sign({ ...base(), service: 'git-receive-pack', agent: 'ada' }),
    /cannot be read/,
  ],
  [
    'a pass for a repository outside',
    () => sign({ ...pushing(), repository: { ...wanted.repository, name: '../../etc' } }),
    /cannot be read/,
  ],
  ['a pass of an unknown service', () => sign({ ...base(), service: 'shell' }), /cannot be read/],
  ['a pass for the advertisement', () => sign(advertise()), /for something else/],
  ['a pass for a fetch', () => sign({ service: 'git-upload-pack', ...git() }), /for something else/],
  [
    'a pass for a report',
    () => sign({ ...base(), service: 'push-report', push: 'x', wait: 0 }),
    /for something else/,
  ],
  [
    'a pass for an identity',
    () => sign({ ...base(), service: 'store-identity', identity: 'mine' }),
    /for something else/,
  ],
])('a push with %s is refused', async (_title, made, reason) => {
  const answer = await ask(await made(), 'POST', '/git-receive-pack')
  expect(answer.status).toBe(403)
  expect(answer.said).toMatch(reason)
})

test('a pass for a push opens no other route, method or query', async () => {
  for (const [method, path] of [
    ['GET', '/git-receive-pack'],
    ['PUT', '/git-receive-pack'],
    ['POST', '/git-upload-pack'],
    ['POST', '/identity'],
    ['GET', '/connection'],
    ['GET', '/push/report'],
    ['POST', '/git-receive-pack?x=1'],
    ['POST', '/git-receive-pack/'],
    ['POST', '//git-receive-pack'],
    ['POST', '/app.git/git-receive-pack'],
    ['GET', '/info/refs?service=git-receive-pack'],
  ] as const)
    expect((await ask(await sign(pushing()), method, path)).status, `${method} ${path}`).toBe(403)
})

test('two passes in one request are refused', async () => {
  const [one, two] = [await sign(pushing()), await sign(pushing())]
  expect((await ask([one, two], 'POST', '/git-receive-pack')).status).toBe(403)
})

test('a pass in a client’s request does not pass the Worker', async () => {
  const eve = await gate.agent('eve', { push: ['eve/**'] })
  const answer = await request(
    gate.url,
    '/app.git/info/refs?service=git-receive-pack',
    'GET',
    Buffer.alloc(0),
    {
      authorization: `Bearer ${eve.token}`,
      [PASS_HEADER]: await sign({ ...advertise(), agent: 'ada' }),
    },
  )
  expect(answer.status).toBe(200)
  expect(await gate.upstream.refs()).toEqual({ 'refs/heads/main': expect.any(String) })
  await gate.idle({ within: seconds(30) })
})
