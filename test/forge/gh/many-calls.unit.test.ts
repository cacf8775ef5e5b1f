import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { serveHostCall } from '../../../container/host-calls/serve-host-call.ts'
import { createSessions } from '../../../container/sessions/sessions.ts'
import { readSettings } from '../../../container/settings.ts'
import { type PassFor, PROTOCOL } from '../../../src/contract/companion-api/pass.ts'
import { GrantTerms } from '../../../src/contract/grant.ts'
import { AgentName } from '../../../src/contract/names.ts'
import { upstreamOf } from '../../harness/hosts/upstream-of.ts'

const repository = upstreamOf({ url: 'https://github.com/acme/app', identity: null })
const agent = AgentName.parse('ada')
const passForMeta = (): PassFor<'host-call'> => ({
  v: PROTOCOL,
  exp: 0,
  service: 'host-call',
  method: 'GET',
  id: randomUUID(),
  repository,
  agent,
  terms: GrantTerms.parse({ hostApi: 'read' }),
  exceptions: [],
  declines: [],
  gitleaksConfig: '',
  path: '/api/v3/meta',
  query: '',
  accept: '',
})

test('calls of an agent wait for a place among its sessions, and a call beyond the line is told to try again', async () => {
  const read = readSettings({
    GATE_PASS_KEY: 'k'.repeat(32),
    GATE_HOME: '/',
    GATE_WORKER_URL: 'http://127.0.0.1',
  })
  if (!read.ok) throw new Error(read.problem)
  const { settings } = read
  const credentials = {
    tokenFor: () => Promise.reject(new Error('the host is not asked')),
    refused: () => {},
  }
  const sessions = createSessions({ maxSessions: 1, maxAgentSessions: 1 })
  const place = sessions.begin({ id: 'p', repository: 'app', agent, service: 'git-receive-pack' })
  if (!place.ok) throw new Error(place.reason)
  const server = http
    .createServer((request, response) =>
      serveHostCall({ settings, credentials, sessions }, passForMeta(), request, response),
    )
    .listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const call = () => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    const calls = [call(), call()]
    const busy = await Promise.race(calls)
    expect(busy.status).toBe(503)
    expect(await busy.json()).toEqual({ message: expect.stringMatching(/^git-gate: .*try again/) })
    place.end({ outcome: 'served' })
    expect((await Promise.all(calls)).map(({ status }) => status).sort()).toEqual([200, 503])
    await expect.poll(() => sessions.all.size).toBe(0)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
