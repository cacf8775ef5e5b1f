import { expect, test } from 'vitest'
import { startGate } from '../harness/index.ts'

const FETCH = '/app.git/info/refs?service=git-upload-pack'
const preflight = (url: string, origin: string) =>
  fetch(`${url}${FETCH}`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    },
  })

test('a page of an origin that the operator names uses the gate, and no other page', async () => {
  await using gate = await startGate({ settings: { GATE_BROWSER_ORIGINS: 'https://ide.example' } })
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  const allowed = await preflight(gate.url, 'https://ide.example')
  expect(allowed.status).toBe(204)
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://ide.example')
  expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization')
  const read = await fetch(`${gate.url}${FETCH}`, {
    headers: { origin: 'https://ide.example', authorization: `Bearer ${ada.token}` },
  })
  expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([200, 'https://ide.example'])

  const other = await preflight(gate.url, 'https://evil.example')
  expect(other.headers.get('access-control-allow-origin')).toBeNull()
  const api = await fetch(`${gate.url}/-/api/v1/repositories`, { headers: { origin: 'https://ide.example' } })
  expect(api.headers.get('access-control-allow-origin')).toBeNull()
})
