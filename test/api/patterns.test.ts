import { afterAll, beforeAll, expect, test } from 'vitest'
import { splitSigners } from '../../src/contract/ssh/allowed-signers.ts'
import { seconds } from '../harness/index.ts'
import { type AdminGate, hostKey, seedRepository, startAdminGate } from './fixtures/admin-gate.ts'

let gate: AdminGate
beforeAll(async () => {
  gate = await startAdminGate()
  await seedRepository(gate)
})
afterAll(() => gate[Symbol.asyncDispose]())

/** Sends a repository with these host keys; answers with the status, and how long it took. */
async function put(knownHosts: string, host: string) {
  const started = performance.now()
  const response = await gate.request('/repositories', {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      name: `r${Math.random().toString(36).slice(2)}`,
      upstream: `ssh://git@${host}/x.git`,
      identity: 'deploy',
      knownHosts,
    }),
  })
  return { status: response.status, text: await response.text(), ms: performance.now() - started }
}

test.for([
  ['*a', 8],
  ['*a', 2_000],
  ['a*', 500],
  ['*', 10_000],
  ['?*', 300],
] as const)('host patterns of many wildcards are refused at once: %s, %i times', async ([shape, times]) => {
  const { status, text, ms } = await put(hostKey(`${shape.repeat(times)}*b`), 'a'.repeat(60))
  expect([status, text]).toEqual([400, expect.stringContaining('at most 3')])
  expect(ms).toBeLessThan(seconds(2))
})

test('host patterns of a few wildcards are taken, and however many of them there are, they are read at once', async () => {
  expect((await put(hostKey('*.example.com,git?.*.example.*'), 'git1.eu.example.org')).status).toBe(201)
  expect(
    (await put(`# **** keys ****\n${hostKey('github.com').trimEnd()} *****\n`, 'github.com')).status,
  ).toBe(201)
  const { status, ms } = await put(hostKey(`${'*a*a*b,'.repeat(8_000)}c`), 'a'.repeat(60))
  expect(status).toBe(400)
  expect(ms).toBeLessThan(seconds(5))
})

test('keys that may sign are read in time that grows with their text, and one without an end is refused', async () => {
  const begin = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n'
  for (const allowedSigners of [`${begin}${'\n'.repeat(60_000)}`, begin.repeat(1_700)]) {
    const started = performance.now()
    const response = await gate.request('/grants/ada/github.com%2Facme%2Fapp', {
      method: 'PUT',
      headers: { authorization: `Bearer ${gate.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ allowedSigners }),
    })
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining('keys are public'),
    ])
    expect(performance.now() - started).toBeLessThan(seconds(2))
  }
  const block = `${begin}\nabc=\n-----END PGP PUBLIC KEY BLOCK-----`
  expect(splitSigners(`a ssh-ed25519 AAAA\n${block}\n\n${block}\nb ssh-ed25519 BBBB\n`)).toEqual({
    ssh: 'a ssh-ed25519 AAAA\n\nb ssh-ed25519 BBBB\n',
    openPgp: [block, block],
  })
})
