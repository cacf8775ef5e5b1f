import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Agent, accepted, type Gate, git, seconds, startGate, until } from '../harness/index.ts'
import { body, packOf, request, send, ZERO } from './wire.ts'

let gate: Gate
const FAILURES = 5
beforeAll(async () => {
  gate = await startGate({ settings: { GATE_FAILURES_PER_MINUTE: String(FAILURES) } })
}, seconds(60))
afterAll(() => gate?.[Symbol.asyncDispose]())

const ADVERTISED = '/app.git/info/refs?service=git-receive-pack'
const advertised = (who: Pick<Agent, 'name' | 'token'>) =>
  send(gate, who, Buffer.alloc(0), { method: 'GET', path: ADVERTISED })

test('a token that is revoked between clone and push, and between the two requests of a push', async () => {
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  const work = await ada.clone()
  const commit = await work.commit('One', { one: 'one\n' })
  const bytes = body([[ZERO, commit, 'refs/heads/ada/x']], await packOf(work, 'HEAD', '^origin/main'))
  expect((await advertised(ada)).status).toBe(200)
  await gate.admin.request('DELETE', `/tokens/${ada.tokenId}`)
  const refused = await send(gate, ada, bytes)
  expect(refused.status).toBe(401)
  expect(refused.body.toString()).toMatch(/the token \w+ was revoked/)
  const ran = await work.push('HEAD:ada/x')
  expect(ran.code).toBe(128)
  expect(ran.output).toMatch(/remote: git-gate: the token \w+ was revoked; ask an operator for a new one/)
  expect(await gate.upstream.ref('refs/heads/ada/x')).toBeUndefined()
  expect(await gate.ledger.pushes()).toEqual([])

  const { token } = await gate.admin.mint('ada', 'the next one')
  const again = await work.git(['push', ada.url().replace(ada.token, token), 'HEAD:refs/heads/ada/x'])
  expect(again, again.output).toMatchObject(accepted)
})

test('a token that expires between clone and push, and between the two requests of a push', async () => {
  const bob = await gate.agent('bob', { push: ['bob/**'] })
  const work = await bob.clone()
  const expiresAt = new Date(Date.now() + 6000).toISOString()
  const { token } = z
    .object({ token: z.string() })
    .parse(await gate.admin.request('POST', '/tokens', { agent: 'bob', label: 'short', expiresAt }))
  const short = { name: 'bob', token }
  const url = bob.url().replace(bob.token, token)
  await work.text(['remote', 'set-url', 'origin', url])
  const commit = await work.commit('One', { one: 'one\n' })
  const bytes = body([[ZERO, commit, 'refs/heads/bob/x']], await packOf(work, 'HEAD', '^origin/main'))
  expect((await advertised(short)).status).toBe(200)
  const refused = await until(
    async () => {
      const answer = await send(gate, short, Buffer.from('0000'))
      return answer.status === 401 ? answer : undefined
    },
    seconds(20),
    () => 'the token does not expire',
  )
  expect(refused.body.toString()).toMatch(/the token \w+ has expired/)
  expect((await send(gate, short, bytes)).status).toBe(401)
  const ran = await work.push('HEAD:bob/x')
  expect(ran.code).toBe(128)
  expect(ran.output).toMatch(/remote: git-gate: the token \w+ has expired|Authentication failed/)
  expect(await gate.upstream.ref('refs/heads/bob/x')).toBeUndefined()
})

test('guessing: git has to wait, the guesses are recorded, and valid tokens still work', async () => {
  const carl = await gate.agent('carl', { push: ['carl/**'] })
  const guess = () => `gate_aaaaaaaaaa_${crypto.randomUUID().replaceAll('-', '')}`
  const told = await until(
    async () => {
      const ran = await git(['ls-remote', carl.url().replace(carl.token, guess())])
      expect(ran.code).toBe(128)
      return /remote: git-gate: too many failed authentications; wait \d+ s/.exec(ran.output)?.[0]
    },
    seconds(20),
    () => 'guesses are not slowed down',
  )
  expect(told).toBeDefined()
  // The gate answers a guessed token at a push in the same way.
  const answer = await until(
    async () => {
      const last = await send(gate, { name: 'carl', token: guess() }, Buffer.from('0000'))
      return last.status === 429 ? last : undefined
    },
    seconds(20),
    () => 'guesses are not slowed down',
  )
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  expect(answer.headers['content-type']).toMatch(/^text\/plain/)
  const failures = z
    .array(z.object({ address: z.string(), count: z.number() }))
    .parse(await gate.admin.request('GET', '/auth-failures'))
  expect(failures.reduce((sum, each) => sum + each.count, 0)).toBeGreaterThan(FAILURES)
  expect(failures.every(each => each.address === 'unknown')).toBe(true)
  expect(await carl.clone()).toBeDefined()
})

test('hundreds of simultaneous requests from one address with a valid token are all accepted', async () => {
  const dora = await gate.agent('dora', { push: ['dora/**'] })
  const path = '/dora.git/info/refs?service=git-upload-pack'
  const headers = { authorization: `Bearer ${dora.token}` }
  // There is no such repository: the answer is the Worker's own, and shows that the token was accepted.
  const answers = await Promise.all(
    Array.from({ length: 300 }, () => request(gate.url, path, 'GET', Buffer.alloc(0), headers)),
  )
  expect(new Set(answers.map(each => each.status))).toEqual(new Set([404]))
})
