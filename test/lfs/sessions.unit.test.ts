import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { type Lfs, serveLfs } from '../../container/lfs/index.ts'
import { createSessions } from '../../container/sessions/sessions.ts'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { LfsUploadResult } from '../../src/contract/lfs.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'

const RESULT = { id: 'x', outcome: 'accepted', message: '', findings: [], exceptionsUsed: [], ms: 0 } as const

test('a request that waits for a scan is one of the sessions of its agent', async () => {
  const sessions = createSessions({ maxSessions: 4, maxAgentSessions: 4 })
  const scan = Promise.withResolvers<LfsUploadResult>()
  const lfs = {
    sessions,
    settings: { readIdleMs: 10_000 },
    repository: () => ({ uploads: { find: () => scan.promise } }),
  } as unknown as Lfs
  const pass = {
    service: 'lfs-verify',
    id: 'a',
    agent: 'ada',
    repository: upstreamOf({ url: 'ssh://git@upstream.example/app.git' }),
  } as unknown as PassFor<'lfs-verify'>
  const server = http.createServer((request, response) => void serveLfs(lfs, pass, request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const asked = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { method: 'POST' })
  await expect
    .poll(() => [...sessions.all].map(({ agent, service }) => `${agent} ${service}`))
    .toEqual(['ada lfs-verify'])
  scan.resolve({ ...RESULT, findings: [], exceptionsUsed: [] })
  expect((await asked).status).toBe(200)
  await expect.poll(() => sessions.all.size).toBe(0)
  server.close()
})
