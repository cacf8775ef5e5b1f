import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Identity } from '../../src/contract/admin-api/identities.ts'
import { type Gate, startGate } from '../harness/index.ts'

let gate: Gate
beforeAll(async () => {
  gate = await startGate()
})
afterAll(() => gate[Symbol.asyncDispose]())

const file = (name: string) => path.join(gate.companion.home, 'identities', name)
const createIdentity = async (name: string) =>
  Identity.parse(await gate.admin.request('POST', '/identities', { name }))
/** A public key without its comment. */
const withoutComment = (key: string) => key.split(' ').slice(0, 2).join(' ')

test('of concurrent requests for one identity name, one succeeds, and the gate keeps its key', async () => {
  for (const name of ['a', 'b', 'c']) {
    const results = await Promise.allSettled([
      createIdentity(name),
      createIdentity(name),
      createIdentity(name),
      createIdentity(name),
    ])
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const keyOnDisk = execFileSync('ssh-keygen', ['-y', '-f', file(name)], { encoding: 'utf8' })
    const registered = Identity.parse(await gate.admin.request('GET', `/identities/${name}`))
    expect(withoutComment(registered.publicKey)).toBe(withoutComment(keyOnDisk))
  }
  expect(fs.readdirSync(path.dirname(file('a'))).filter(name => name.startsWith('.'))).toEqual([])
})

test('removing an identity deletes its key and frees its name', async () => {
  const first = await createIdentity('again')
  expect(fs.existsSync(file('again'))).toBe(true)
  expect(await gate.admin.request('DELETE', '/identities/again')).toEqual({
    ...first,
    remainingDeployKeys: [],
  })
  expect(fs.existsSync(file('again'))).toBe(false)
  const second = await createIdentity('again')
  expect(withoutComment(second.publicKey)).not.toBe(withoutComment(first.publicKey))
})

test('a leftover key is reported, and removed by its name', async () => {
  fs.writeFileSync(file('left'), 'the key of an identity that was removed before')
  await expect(createIdentity('left')).rejects.toThrow(/git gate identity remove left/)
  expect(await gate.admin.request('DELETE', '/identities/left')).toEqual({
    name: 'left',
    remainingDeployKeys: [],
  })
  await createIdentity('left')
  await expect(gate.admin.request('DELETE', '/identities/nobody')).rejects.toThrow(/no identity nobody/)
  expect(fs.existsSync(file('for-app'))).toBe(true)
  await expect(gate.admin.request('DELETE', '/identities/for-app')).rejects.toThrow(/used by app/)
  expect(fs.existsSync(file('for-app'))).toBe(true)
})
