import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createGit, gitEnvironment } from '../../container/git/git.ts'
import { wholeBlob } from '../../container/git/objects/whole-blob.ts'

const home = mkdtempSync(join(tmpdir(), 'gate-whole-blob-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const text = () =>
  Array.from({ length: 20_000 }, (_, i) => `line ${i} ${randomBytes(4).toString('hex')}\n`).join('')

function repository(name: string) {
  const dir = join(home, name)
  const env = gitEnvironment(home, '/dev/null')
  const git = (args: readonly string[], input = '') =>
    execFileSync('git', args, { cwd: home, env: { ...env, GIT_DIR: dir }, input })
      .toString()
      .trim()
  execFileSync('git', ['init', '--quiet', '--bare', dir], { env })
  return { dir, git, store: (content: string) => git(['hash-object', '-w', '--stdin'], content), env }
}

test('a blob is read past git where it is loose or whole in a pack, and never where it is a delta', async () => {
  const { dir, git, store, env } = repository('all.git')
  const old = text()
  const changed = old.replace('line 7 ', 'line seven ')
  const [oldId, changedId] = [store(old), store(changed)]
  const read = (id: string, content: string) => wholeBlob(createGit(dir, env), id, content.length)
  expect((await read(oldId, old))?.equals(Buffer.from(old))).toBe(true)
  expect((await read(changedId, changed))?.equals(Buffer.from(changed))).toBe(true)

  git(['pack-objects', '--quiet', join(dir, 'objects', 'pack', 'pack')], `${oldId} a\n${changedId} a\n`)
  git(['prune-packed'])
  const packed = [await read(oldId, old), await read(changedId, changed)]
  expect(packed.filter(content => content === undefined)).toHaveLength(1)
  const whole = packed.find(content => content !== undefined)
  expect([old, changed]).toContain(whole?.toString())
})

test('a blob in a quarantine is read from there', async () => {
  const [mirror, quarantine] = [repository('mirror.git'), repository('quarantine.git')]
  const content = text()
  const id = quarantine.store(content)
  const git = createGit(mirror.dir, {
    ...mirror.env,
    GIT_OBJECT_DIRECTORY: join(quarantine.dir, 'objects'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: join(mirror.dir, 'objects'),
  })
  expect((await wholeBlob(git, id, content.length))?.toString()).toBe(content)
  expect(await wholeBlob(createGit(mirror.dir, mirror.env), id, content.length)).toBeUndefined()
})

test('a blob of another size, of another type or cut short is left to git', async () => {
  const { dir, git, store, env } = repository('odd.git')
  const content = text()
  const id = store(content)
  const read = (size: number, of = id) => wholeBlob(createGit(dir, env), of, size)
  expect(await read(content.length - 1)).toBeUndefined()
  expect(await read(content.length + 1)).toBeUndefined()
  const tag = git(['hash-object', '-w', '-t', 'tree', '--stdin'])
  expect(await read(0, tag)).toBeUndefined()
  const loose = join(dir, 'objects', id.slice(0, 2), id.slice(2))
  execFileSync('chmod', ['u+w', loose])
  truncateSync(loose, 1_000)
  expect(await read(content.length)).toBeUndefined()
})
