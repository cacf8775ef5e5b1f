import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type HeldPushes, type NewHeldPush, openHeldPushes } from '../../container/held/held-pushes.ts'
import { AgentName, ObjectId, RefName, RepositoryName } from '../../src/contract/names.ts'

const scratch = () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'held-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Makes a quarantine with one pack of `bytes` bytes, as receive-pack leaves it. */
function quarantine(bytes: number): string {
  const folder = scratch()
  fs.mkdirSync(path.join(folder, 'pack'))
  const name = `pack-${'a'.repeat(40)}`
  fs.writeFileSync(path.join(folder, 'pack', `${name}.pack`), Buffer.alloc(bytes))
  fs.writeFileSync(path.join(folder, 'pack', `${name}.idx`), 'index')
  fs.writeFileSync(path.join(folder, 'pack', `${name}.keep`), 'receive-pack')
  return folder
}

const push = (id: string, isWaiting = false, agent = 'ada'): NewHeldPush => ({
  id,
  repository: RepositoryName.parse('app'),
  agent: AgentName.parse(agent),
  commands: [
    {
      ref: RefName.parse('refs/heads/x'),
      old: ObjectId.parse('0'.repeat(40)),
      new: ObjectId.parse('1'.repeat(40)),
    },
  ],
  pushOptions: [],
  isWaiting,
  mask: { secrets: [SECRET] },
})

const SECRET = 'a secret of the push'

const LIMITS = { maxBytes: 100_000, keepMs: 60_000 }

test('a restart forgets which texts of a push are secret, and keeps that a push has none', async () => {
  const folder = scratch()
  const held = await openHeldPushes(folder, LIMITS)
  await held.keep({ ...push('clean'), mask: { secrets: [] } }, quarantine(100))
  await held.keep({ ...push('unscanned'), mask: undefined }, quarantine(100))
  await held.keep(push('secret'), quarantine(100))
  const masks = async (of: HeldPushes) =>
    Promise.all(['clean', 'unscanned', 'secret'].map(async id => (await of.find(id))?.mask?.secrets))
  expect(await masks(held)).toEqual([[], undefined, [SECRET]])
  expect(await masks(await openHeldPushes(folder, LIMITS))).toEqual([[], undefined, undefined])
})

test('the objects of a refused push outlive its quarantine and the companion', async () => {
  const [folder, from] = [scratch(), quarantine(5000)]
  const held = await openHeldPushes(folder, LIMITS)
  expect(await held.keep(push('one'), from)).toBe(true)
  fs.rmSync(from, { recursive: true })
  fs.mkdirSync(path.join(folder, 'two.new'))
  const found = await (await openHeldPushes(folder, LIMITS)).find('one')
  expect(found).toMatchObject({ id: 'one', agent: 'ada', commands: [{ ref: 'refs/heads/x' }] })
  expect(fs.statSync(found?.pack ?? '').size).toBe(5000)
  expect(fs.readdirSync(path.join(found?.objects ?? '', 'pack'))).toHaveLength(2)
  expect(fs.readdirSync(folder)).toEqual(['one'])
})

test('a push whose pack is lost or cut short is held no more', async () => {
  const folder = scratch()
  const held = await openHeldPushes(folder, LIMITS)
  for (const lose of [(pack: string) => fs.rmSync(pack), (pack: string) => fs.truncateSync(pack, 10)]) {
    await held.keep(push('one', true), quarantine(5000))
    lose((await held.find('one'))?.pack ?? '')
    expect(await held.find('one')).toBeUndefined()
    expect(fs.readdirSync(folder)).toEqual([])
  }
})

test('the secrets that a diff must not show are in memory alone', async () => {
  const folder = scratch()
  const held = await openHeldPushes(folder, LIMITS)
  await held.keep(push('one'), quarantine(5000))
  expect((await held.find('one'))?.mask).toEqual({ secrets: [SECRET] })
  expect(fs.readFileSync(path.join(folder, 'one', 'push.json'), 'utf8')).not.toContain(SECRET)
  expect((await (await openHeldPushes(folder, LIMITS)).find('one'))?.mask).toBeUndefined()
})

test('a push that deletes a ref is held without objects', async () => {
  const held = await openHeldPushes(scratch(), LIMITS)
  await held.keep(push('one'), undefined)
  expect(await held.find('one')).toMatchObject({ pack: undefined })
})

test('beyond the limit of bytes the oldest refused push goes, and no push that waits', async () => {
  const held = await openHeldPushes(scratch(), LIMITS)
  await held.keep(push('waits', true), quarantine(20_000))
  await held.keep(push('old'), quarantine(20_000))
  expect(await held.keep(push('new'), quarantine(20_000))).toBe(true)
  expect(await held.find('old')).toBeUndefined()
  expect(await held.find('waits')).toBeDefined()
  expect(await held.keep(push('large'), quarantine(60_000))).toBe(false)
  expect(await held.find('new')).toBeDefined()
  await held.stopWaiting('waits')
  expect(await held.keep(push('large'), quarantine(60_000))).toBe(true)
})

test('a held push expires', async () => {
  const folder = scratch()
  await (await openHeldPushes(folder, LIMITS)).keep(push('one'), quarantine(100))
  expect(await (await openHeldPushes(folder, { ...LIMITS, keepMs: -1 })).find('one')).toBeUndefined()
  expect(fs.readdirSync(folder)).toEqual([])
})

test('a held push that expires while the companion runs is found no more, before it is deleted', async () => {
  const held = await openHeldPushes(scratch(), { ...LIMITS, keepMs: 0 })
  await held.keep(push('one'), quarantine(100))
  await expect.poll(() => held.find('one')).toBeUndefined()
})

test('the pushes of an agent that wait take at most half of the limit', async () => {
  const held = await openHeldPushes(scratch(), LIMITS)
  expect(await held.keep(push('one', true), quarantine(10_000))).toBe(true)
  expect(await held.keep(push('two', true), quarantine(10_000))).toBe(false)
  expect(await held.keep(push('other', true, 'bob'), quarantine(10_000))).toBe(true)
})
