import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { AdminGate } from '../../api/fixtures/admin-gate.ts'
import { FINDING } from '../../api/fixtures/recorded-pushes.ts'
import { OTHER, OWN, refusedPush, startGateOfTwo } from '../../api/fixtures/two-repositories.ts'

const FORM = 'application/x-www-form-urlencoded'

let gate: AdminGate
beforeAll(async () => {
  gate = await startGateOfTwo()
}, 60_000)
afterAll(() => gate?.[Symbol.asyncDispose]())

/** Opens pages of the console, and sends its forms, with an admin token of this role. */
async function operator(role: string, repository: string | null = null) {
  const minted = await gate.json('POST', '/admin-tokens', { label: role, role, repository })
  const { token } = z.object({ token: z.string() }).parse(minted)
  const authorization = `Bearer ${token}`
  const at = (path: string) => `${gate.url}/-/console${path}`
  const page = async (path: string) => {
    const response = await fetch(at(path), { headers: { authorization }, redirect: 'manual' })
    return { status: response.status, to: response.headers.get('location'), text: await response.text() }
  }
  return {
    page,
    /** Reads an event stream until it has this text. Returns the stream up to it. */
    async stream(path: string, until: string) {
      const response = await fetch(at(path), { headers: { authorization, accept: 'text/event-stream' } })
      let text = ''
      for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += piece
        if (text.includes(until)) break
      }
      return text
    },
    async submit(path: string, form: Record<string, string>, from = '/repositories') {
      const key = /name="form-key" value="([^"]+)"/.exec((await page('/repositories')).text)?.[1] ?? ''
      const response = await fetch(at(path), {
        method: 'POST',
        redirect: 'manual',
        headers: { authorization, origin: gate.url, 'content-type': FORM, referer: at(from) },
        body: new URLSearchParams({ ...form, 'form-key': key }),
      })
      return { status: response.status, text: await response.text() }
    },
  }
}

const decision = (repository: string) => ({
  repository,
  fingerprint: FINDING.fingerprint,
  decision: 'allow',
  reason: 'test value',
  until: 'day',
  returnTo: '/-/console/pending',
})

test('a viewer is shown no form for a decision, and a form that is sent all the same decides nothing', async () => {
  const viewer = await operator('viewer')
  const { text } = await viewer.page('/pending')
  expect(text).toContain('finding-of-p1')
  expect(text).not.toContain('value="allow"')
  const sent = await viewer.submit('/pending/decide', decision(OWN), '/pending')
  expect(sent.status).toBe(409)
  expect(sent.text).toContain('this needs approver of github.com/acme/app')
  const all = await viewer.submit('/pushes/p1/allow-all', { reason: 'all of it' })
  expect(all.text).toContain('this needs approver of github.com/acme/app')
  expect((await viewer.submit('/agents', { name: 'eve' })).text).toContain('this needs admin of the gate')
  expect(await gate.json('GET', '/exceptions')).toEqual([])
  expect(await gate.json('GET', '/agents')).toMatchObject([{ name: 'ada' }])
})

test('an operator of one repository sees and decides there only', async () => {
  const approver = await operator('approver', OWN)
  const list = `?repository=${encodeURIComponent(OWN)}`
  expect(await approver.page('/pending')).toMatchObject({ status: 302, to: `/-/console/pending${list}` })
  const pending = await approver.page(`/pending${list}`)
  expect(pending.text).toContain('finding-of-p1')
  const repositories = await approver.page('/repositories')
  expect((await approver.page('/pushes/p1')).status).toBe(200)
  const other = `?repository=${encodeURIComponent(OTHER)}`
  for (const path of [
    '/pushes/p2',
    '/pushes/p2/diff',
    '/pushes/p2/live',
    '/pushes/p2/allow-all',
    `/pushes${other}`,
    `/pushes/live${other}`,
    '/pushes/live',
    `/pending${other}`,
    `/repositories/${encodeURIComponent(OTHER)}`,
    '/agents',
    '/agents/ada',
    '/overview',
    '/no-such-page',
  ])
    expect([path, (await approver.page(path)).status]).toEqual([path, 403])
  const failing = { ...decision(OTHER), returnTo: '/-/console/pushes/p2' }
  const shown = [
    await approver.page(`/pushes${list}`),
    pending,
    repositories,
    await approver.submit('/pending/decide', decision(OTHER), '/pending'),
    await approver.submit('/pending/decide', decision(OTHER), `/pending${other}`),
    await approver.submit('/pending/decide', decision(OTHER), `/pending${list}`),
    await approver.submit('/pending/decide', failing, `/pending${list}`),
    await approver.submit('/pending/revoke', { id: 'none' }, '/pending'),
  ]
  for (const { text } of shown) expect(text).not.toContain('finding-of-p2')
  expect((await approver.submit('/pushes/p2/allow-all', { reason: 'all of it' })).status).toBe(403)
  expect(repositories.text).not.toContain(OTHER)
  expect(await gate.json('GET', '/exceptions')).toEqual([])
  expect((await approver.submit('/pending/decide', decision(OWN), `/pending${list}`)).status).toBe(303)
  expect(await gate.json('GET', '/exceptions')).toMatchObject([
    { repository: OWN, grantedBy: expect.stringMatching(/^admin token approver/) },
  ])
})

test('live events have the pushes of the listed repository only, whichever pushes the request names', async () => {
  await refusedPush(gate, 'p3', OWN)
  const viewer = await operator('viewer', OWN)
  const query = new URLSearchParams({ repository: OWN, open: 'p2,p3', newest: 'p3' })
  const events = await viewer.stream(`/pushes/live?${query}`, '"id":"p3"')
  expect(events).toContain(OWN)
  expect(events).not.toContain(OTHER)
})

test('only an admin of the whole gate sees the operators and changes a role, by page or by form', async () => {
  const form = { principal: 'email:eve@acme.example', role: 'admin', repository: '' }
  for (const [role, repository] of [
    ['viewer', null],
    ['approver', null],
    ['admin', OWN],
  ] as const) {
    const other = await operator(role, repository)
    expect((await other.page('/settings/operators')).status).toBe(403)
    for (const path of ['', '/change', '/remove'])
      expect((await other.submit(`/settings/operators${path}`, form)).status).toBe(403)
  }
  expect(await gate.json('GET', '/operators')).toEqual([])
  const viewer = await operator('viewer')
  const { text } = await viewer.page('/settings/audit-log')
  expect(text).toContain('/settings/identities"')
  for (const name of ['operators', 'admin-tokens', 'webhooks'])
    expect(text).not.toContain(`/settings/${name}"`)
  const admin = await operator('admin')
  expect((await admin.submit('/settings/operators', form)).status).toBe(303)
  expect(await gate.json('GET', '/operators')).toMatchObject([{ principal: 'email:eve@acme.example' }])
  const { entries } = z
    .object({ entries: z.array(z.object({ operator: z.string(), action: z.string() })) })
    .parse(await gate.json('GET', '/audit-log'))
  expect(entries[0]).toEqual({
    operator: expect.stringMatching(/^admin token admin/),
    action: 'operator.set',
  })
})
