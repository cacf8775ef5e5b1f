import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { AdminGate } from '../api/fixtures/admin-gate.ts'
import { AUDIENCE, accessKeys, startGateBehindAccess, TEAM } from './behind-access.ts'

let gate: AdminGate
beforeAll(async () => {
  gate = await startGateBehindAccess()
}, 60_000)
afterAll(() => gate?.[Symbol.asyncDispose]())

const Minted = z.object({ token: z.string(), owner: z.string().nullable() })
const bearer = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' })

/** The headers of a person who signs in through Access. */
const signedIn = async (email: string) => ({
  'content-type': 'application/json',
  'cf-access-jwt-assertion': await new SignJWT({ email })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuedAt()
    .setIssuer(`https://${TEAM}`)
    .setAudience(AUDIENCE)
    .setExpirationTime('5m')
    .sign(accessKeys.privateKey),
})

async function mint(headers: Record<string, string>, wanted: object) {
  const body = JSON.stringify({ label: 'laptop', ...wanted })
  return Minted.parse(await (await gate.request('/admin-tokens', { method: 'POST', headers, body })).json())
}

test('a person approves once, by whichever sign-in or token', async () => {
  const first = bearer(gate.adminToken)
  const ada = await signedIn('Ada@example.com')
  const given = await mint(first, { owner: 'email:ADA@example.com' })
  const own = await mint(ada, {})
  const ownOfOwn = await mint(bearer(own.token), {})
  for (const { owner } of [given, own, ownOfOwn]) expect(owner).toBe('email:ada@example.com')
  const grace = await mint(ada, { owner: 'email:grace@example.com' })
  const free = await mint(first, {})
  expect(free.owner).toBeNull()

  await gate.ledger
    .prepare(
      `INSERT INTO approvals (id, repository, agent, change, asks, needed, created_at, expires_at)
         VALUES ('p1', 'demo', 'ada', 'c', '[]', 9, 0, ?)`,
    )
    .bind(Date.now() + 60_000)
    .run()
  const approve = async (headers: Record<string, string>) => {
    const answer = await gate.request('/approvals/p1/approve', { method: 'POST', headers })
    return { status: answer.status, text: await answer.text() }
  }
  expect(await approve(ada)).toMatchObject({ status: 200 })
  for (const token of [given, own, ownOfOwn])
    expect(await approve(bearer(token.token))).toMatchObject({
      status: 409,
      text: expect.stringContaining('already, by another token or sign-in'),
    })
  expect(await approve(bearer(grace.token))).toMatchObject({ status: 200 })
  expect(await approve(await signedIn('grace@example.com'))).toMatchObject({ status: 409 })
  expect(await approve(bearer(free.token))).toMatchObject({ status: 200 })
  expect(await approve(first)).toMatchObject({ status: 200 })
  expect(await gate.json('GET', '/approvals/p1')).toMatchObject({
    approvedBy: [{ operator: 'access Ada@example.com' }, {}, {}, { operator: 'first admin token' }],
  })
})

test('a group owns no token', async () => {
  const body = JSON.stringify({ label: 'x', owner: 'group:platform' })
  const answer = await gate.request('/admin-tokens', {
    method: 'POST',
    headers: bearer(gate.adminToken),
    body,
  })
  expect(answer.status).toBe(400)
})
