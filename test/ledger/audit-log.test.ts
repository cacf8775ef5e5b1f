import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { AuditLogPage } from '../../src/contract/admin-api/records.ts'
import { type AdminGate, seedRepository, startAdminGate } from '../api/fixtures/admin-gate.ts'

let gate: AdminGate
beforeAll(async () => {
  gate = await startAdminGate()
}, 60_000)
afterAll(() => gate[Symbol.asyncDispose]())

const APP = '/repositories/github.com%2Facme%2Fapp'

const auditLog = async () =>
  AuditLogPage.parse(await gate.json('GET', '/audit-log'))
    .entries.toReversed()
    .map(each => `${each.action} ${each.subject}`)

test('every change is recorded, and a request that changed nothing is not', async () => {
  await seedRepository(gate)
  await gate.json('PUT', '/grants/ada/github.com%2Facme%2Fapp', { rules: [] })
  const { id } = z.object({ id: z.string() }).parse(await gate.json('POST', '/tokens', { agent: 'ada' }))
  await gate.json('DELETE', `/tokens/${id}`)
  await gate.json('DELETE', `/tokens/${id}`)
  const exception = z.object({ id: z.string() }).parse(
    await gate.json('POST', '/exceptions', {
      repository: 'github.com/acme/app',
      fingerprint: 'a'.repeat(32),
      reason: 'a test key',
    }),
  )
  await gate.json('DELETE', `/exceptions/${exception.id}`)
  await expect(gate.json('POST', '/agents', { name: 'ada' })).rejects.toThrow('409')
  await gate.json('DELETE', '/grants/ada/github.com%2Facme%2Fapp')
  await gate.json('DELETE', '/agents/ada')
  await gate.json('DELETE', APP)
  await gate.json('DELETE', '/identities/deploy')
  expect(await auditLog()).toEqual([
    'identity.add deploy',
    'repository.add github.com/acme/app',
    'agent.add ada',
    'grant.set ada github.com/acme/app',
    `token.mint ${id}`,
    `token.revoke ${id}`,
    `exception.add ${exception.id}`,
    `exception.revoke ${exception.id}`,
    'grant.remove ada github.com/acme/app',
    'agent.remove ada',
    'repository.remove github.com/acme/app',
    'identity.remove deploy',
  ])
})

test('the removal of an agent or a repository records each right that ends with it', async () => {
  await seedRepository(gate, 'removed', 'eve')
  await gate.json('POST', '/agents', { name: 'ida' })
  const mint = async (path: string, body: object) =>
    z.object({ id: z.string() }).parse(await gate.json('POST', path, body)).id
  for (const agent of ['eve', 'ida']) await gate.json('PUT', `/grants/${agent}/removed`, { hostApi: 'read' })
  const token = await mint('/tokens', { agent: 'eve' })
  await gate.json('DELETE', `/tokens/${await mint('/tokens', { agent: 'eve' })}`)
  const exception = await mint('/exceptions', {
    repository: 'removed',
    fingerprint: 'a'.repeat(32),
    reason: 'a test key',
  })
  await gate.json('POST', '/declines', { repository: 'removed', fingerprint: 'b'.repeat(32) })
  await gate.json('PUT', '/operators', { principal: 'group:ops', role: 'viewer', repository: 'removed' })
  const admin = await mint('/admin-tokens', { label: 'ops', role: 'viewer', repository: 'removed' })

  const before = (await auditLog()).length
  await gate.json('DELETE', '/agents/eve')
  await gate.json('DELETE', '/repositories/Removed')
  expect((await auditLog()).slice(before)).toEqual([
    'grant.remove eve removed',
    `token.revoke ${token}`,
    'agent.remove eve',
    'grant.remove ida removed',
    `exception.revoke ${exception}`,
    `finding.undo-decline ${'b'.repeat(32)}`,
    'operator.remove group:ops',
    `admin-token.revoke ${admin}`,
    'repository.remove removed',
  ])
  const { entries } = AuditLogPage.parse(await gate.json('GET', '/audit-log'))
  const [grant] = entries.filter(each => each.subject === 'eve removed')
  expect(grant?.detail).toMatchObject({ before: { hostApi: 'read' } })
  await gate.json('DELETE', '/agents/ida')
  await gate.json('DELETE', '/identities/deploy')
})
