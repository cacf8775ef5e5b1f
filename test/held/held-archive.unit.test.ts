import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { DiffMask } from '../../container/held/diff-masks.ts'
import { archiveOf, restore } from '../../container/held/held-archive.ts'
import { type HeldPush, openHeldPushes } from '../../container/held/held-pushes.ts'
import { AgentName, ObjectId, RefName, RepositoryName } from '../../src/contract/names.ts'

const scratch = () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'held-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

const open = () => openHeldPushes(scratch(), { maxBytes: 1_000_000, keepMs: 60_000 })

/** Holds a push with a pack of these bytes; undefined: it has none. */
async function heldPush(pack: Buffer | undefined, mask?: DiffMask): Promise<HeldPush> {
  const quarantine = scratch()
  fs.mkdirSync(path.join(quarantine, 'pack'))
  if (pack) fs.writeFileSync(path.join(quarantine, 'pack', `pack-${'a'.repeat(40)}.pack`), pack)
  const held = await open()
  await held.keep(
    {
      id: 'one',
      repository: RepositoryName.parse('app'),
      agent: AgentName.parse('ada'),
      commands: [
        {
          ref: RefName.parse('refs/heads/x'),
          old: ObjectId.parse('0'.repeat(40)),
          new: ObjectId.parse('1'.repeat(40)),
        },
      ],
      pushOptions: ['pr'],
      isWaiting: true,
      mask,
    },
    quarantine,
  )
  const found = await held.find('one')
  if (!found) throw new Error('the push is not held')
  return found
}

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* inChunks(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

test('a held push is the same after its archive is restored, however the archive is cut', async () => {
  for (const pack of [Buffer.from('\nPACK\n\nof bytes\n'), undefined])
    for (const size of [1, 7, 1_000_000]) {
      const push = await heldPush(pack)
      const archive = await archiveOf(push)
      const bytes = await bytesOf(archive.read())
      expect(bytes.length).toBe(archive.bytes)
      const [held, temporary] = [await open(), scratch()]
      const wanted = { push: 'one', hash: archive.hash, scratch: temporary }
      expect(await restore(held, inChunks(bytes, size), wanted)).toBe(true)
      const found = await held.find('one')
      const { commands, pushOptions, agent, repository } = push
      expect(found).toMatchObject({ commands, pushOptions, agent, repository, isWaiting: true })
      expect(found?.pack && fs.readFileSync(found.pack)).toEqual(pack)
      expect(fs.readdirSync(temporary)).toEqual([])
    }
})

test('the archive of a push tells that it has no secret, and none of its secrets', async () => {
  for (const secrets of [[], ['a secret of the push']]) {
    const archive = await archiveOf(await heldPush(undefined, { secrets }))
    const bytes = await bytesOf(archive.read())
    expect(bytes.includes('a secret')).toBe(false)
    const [held, temporary] = [await open(), scratch()]
    await restore(held, inChunks(bytes, 10), { push: 'one', hash: archive.hash, scratch: temporary })
    expect((await held.find('one'))?.mask).toEqual(secrets.length === 0 ? { secrets } : undefined)
  }
})

test('a push that is restored twice at once is held once', async () => {
  const archive = await archiveOf(await heldPush(Buffer.from('PACK of bytes')))
  const [held, temporary] = [await open(), scratch()]
  const wanted = { push: 'one', hash: archive.hash, scratch: temporary }
  const restored = [1, 2].map(() => restore(held, archive.read(), wanted))
  expect(await Promise.all(restored)).toEqual([true, true])
  expect(await held.find('one')).toMatchObject({ isWaiting: true })
})

test('an archive with a changed byte, of another push or cut short is not restored, and leaves nothing', async () => {
  const archive = await archiveOf(await heldPush(Buffer.from('PACK of bytes')))
  const bytes = await bytesOf(archive.read())
  const changed = Buffer.from(bytes)
  changed[changed.length - 1] = 0
  const [held, temporary] = [await open(), scratch()]
  for (const [push, sent] of [
    ['one', changed],
    ['one', bytes.subarray(0, -1)],
    ['one', Buffer.from('no line')],
    ['other', bytes],
  ] as const)
    expect(await restore(held, inChunks(sent, 10), { push, hash: archive.hash, scratch: temporary })).toBe(
      false,
    )
  expect(await held.find('one')).toBeUndefined()
  expect(await held.find('other')).toBeUndefined()
  expect(fs.readdirSync(temporary)).toEqual([])
})
