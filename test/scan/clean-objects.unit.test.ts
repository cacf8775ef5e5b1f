import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CleanObjects } from '../../container/checks/secrets/scan/clean-objects.ts'

let folder = ''
let program = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'git-gate-clean-'))
  program = join(folder, 'gitleaks')
  await writeFile(program, 'one')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const DIGEST = Buffer.alloc(16, 7)

async function withDigest(): Promise<CleanObjects> {
  const clean = new CleanObjects()
  const known = await clean.of('demo', '', program)
  if (!known) throw new Error('the program cannot be read')
  clean.add('demo', known, DIGEST)
  return clean
}

const digestsOf = async (clean: CleanObjects, repository: string, config: string) =>
  (await clean.of(repository, config, program))?.digests

test('clean objects are known for the repository and the configuration that they were scanned for, and no other', async () => {
  const clean = await withDigest()
  expect(await digestsOf(clean, 'demo', '')).toEqual(DIGEST)
  expect(await digestsOf(clean, 'other', '')).toEqual(Buffer.alloc(0))
  expect(await digestsOf(clean, 'demo', '[extend]')).toEqual(Buffer.alloc(0))
})

test('no object is known to be clean when gitleaks was replaced, or cannot be read', async () => {
  const clean = await withDigest()
  await writeFile(`${program}-new`, 'two')
  await rename(`${program}-new`, program)
  expect(await digestsOf(clean, 'demo', '')).toEqual(Buffer.alloc(0))
  expect(await clean.of('demo', '', join(folder, 'none'))).toBeUndefined()
})

test('the memory of clean objects is bounded', async () => {
  const clean = await withDigest()
  const known = await clean.of('demo', '', program)
  if (!known) throw new Error('the program cannot be read')
  clean.add('demo', known, Buffer.alloc(16 * 600_000, 1))
  expect((await digestsOf(clean, 'demo', ''))?.length).toBe(16 * 500_000)
  for (let i = 0; i < 10; i++) clean.add(`repository-${i}`, known, DIGEST)
  expect(await digestsOf(clean, 'demo', '')).toEqual(Buffer.alloc(0))
})

test('an object that was scanned under another configuration while this one was saved is not known', async () => {
  const clean = await withDigest()
  const other = await clean.of('demo', '[extend]', program)
  if (!other) throw new Error('the program cannot be read')
  clean.add('demo', other, DIGEST)
  expect(await digestsOf(clean, 'demo', '')).toEqual(Buffer.alloc(0))
})
