import { once } from 'node:events'
import net from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AdminGate, startAdminGate } from './fixtures/admin-gate.ts'

let gate: AdminGate
let agent: string
beforeAll(async () => {
  gate = await startAdminGate({ bindings: { GATE_COMMANDS_SECONDS: '1' } })
  await gate.json('POST', '/identities', { name: 'demo' })
  await gate.json('POST', '/repositories', {
    name: 'demo',
    upstream: 'ssh://git@127.0.0.1/demo.git',
    identity: 'demo',
    knownHosts: `127.0.0.1 ssh-ed25519 ${'A'.repeat(68)}`,
  })
  await gate.json('POST', '/agents', { name: 'ada' })
  const rules = [{ pattern: 'refs/heads/**', allow: ['create'] }]
  await gate.json('PUT', '/grants/ada/demo', { rules, hostApi: 'read' })
  const { token } = (await gate.json('POST', '/tokens', { agent: 'ada' })) as { token: string }
  agent = `Bearer ${token}`
})
afterAll(() => gate[Symbol.asyncDispose]())

const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'

test.concurrent.each<[string, string, string, string | undefined]>([
  ['the sign-in page', '/-/console/sign-in', FORM, undefined],
  ["a call of the companion's", '/-/companion', JSON_TYPE, undefined],
  ['the admin API', '/-/api/v1/agents', JSON_TYPE, 'admin'],
  ['the tools for agents', '/-/mcp', JSON_TYPE, 'agent'],
  ['a request to the operators', '/demo', JSON_TYPE, 'agent'],
  ['a batch of LFS objects', '/demo.git/info/lfs/objects/batch', JSON_TYPE, 'agent'],
  ['an LFS lock', '/demo.git/info/lfs/locks', JSON_TYPE, 'agent'],
  ["a call to a host's API", '/-/forge/demo/api/graphql', JSON_TYPE, 'agent'],
])('%s lets a client go that does not end its body', async (_, path, type, as) => {
  const { host, port } = new URL(gate.url)
  const socket = net.connect(Number(port), '127.0.0.1')
  let answer = ''
  socket.on('data', data => {
    answer += data
  })
  const authorization = { admin: `Bearer ${gate.adminToken}`, agent }[as ?? '']
  socket.write(
    [
      `POST ${path} HTTP/1.1`,
      `Host: ${host}`,
      `Origin: ${gate.url}`,
      `Content-Type: ${type}`,
      ...(authorization ? [`Authorization: ${authorization}`] : []),
      'Content-Length: 1000',
      '',
      '{',
    ].join('\r\n'),
  )
  await once(socket, 'close')
  expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
  expect(gate.companionRequests.filter(({ pass }) => pass.service.startsWith('lfs'))).toEqual([])
  expect(gate.companionRequests.filter(({ pass }) => pass.service === 'host-call')).toEqual([])
  expect(gate.log.filter(line => line.includes('error'))).toEqual([])
})
