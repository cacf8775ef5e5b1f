import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { pushAdvertisement } from '../../container/fetch/push-advertisement.ts'
import { createGit, type Git } from '../../container/git/git.ts'
import { configureGit } from '../../container/git/git-config.ts'
import { readRefFiles } from '../../container/git/ref-files.ts'
import { readMirrorRefs } from '../../container/git/ref-list.ts'
import type { Mirror } from '../../container/mirror/mirror.ts'
import { readSettings } from '../../container/settings.ts'

const signal = AbortSignal.timeout(30_000)

/** A bare repository with two commits, under the gate's own configuration of git. */
async function repository() {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-ref-files-'))
  const dir = path.join(home, 'mirror.git')
  const read = readSettings({ GATE_HOME: home, GATE_PASS_KEY: 'k'.repeat(64) })
  if (!read.ok) throw new Error(read.problem)
  const git = createGit(dir, await configureGit(read.settings))
  execFileSync('git', ['init', '-q', '--bare', '--template=', '-b', 'main', dir])
  const who = { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.com' }
  const env = { ...who, GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.com' }
  const text = async (args: readonly string[], input = '') =>
    (await git.text(args, { signal, env, input })).trim()
  const tree = await text(['hash-object', '-t', 'tree', '-w', '--stdin'])
  const one = await text(['commit-tree', '-m', 'One', tree])
  const two = await text(['commit-tree', '-m', 'Two', '-p', one, tree])
  return {
    git,
    one,
    two,
    text,
    [Symbol.dispose]: () => fs.rmSync(home, { recursive: true, force: true }),
  }
}

async function listedByGit(git: Git): Promise<Map<string, string>> {
  const listed = await git.text(['for-each-ref', '--format=%(refname) %(objectname)'], { signal })
  return new Map(listed.split('\n').flatMap(line => (line ? [line.split(' ') as [string, string]] : [])))
}

test('the refs in the files of a repository are those that git lists, in its order', async () => {
  using at = await repository()
  const { git, one, two, text } = at
  expect(await readRefFiles(git.dir)).toEqual(new Map())
  for (const ref of [
    'refs/heads/main',
    'refs/heads/a/b',
    'refs/tags/light',
    'refs/notes/commits',
    'refs/pull/1/head',
  ])
    await text(['update-ref', ref, one])
  await text(['tag', '-a', '-m', 'Annotated', 'v1', one])
  expect(await readRefFiles(git.dir)).toEqual(await listedByGit(git))
  await text(['pack-refs', '--all'])
  expect(await readRefFiles(git.dir)).toEqual(await listedByGit(git))
  for (const ref of ['refs/heads/main', 'refs/heads/a-b', 'refs/heads/a/c', 'refs/heads/ünïcode'])
    await text(['update-ref', ref, two])
  await text(['update-ref', '-d', 'refs/tags/light'])
  fs.writeFileSync(path.join(git.dir, 'refs/heads/other.lock'), `${two}\n`)
  const listed = await readRefFiles(git.dir)
  expect([...(listed ?? [])]).toEqual([...(await listedByGit(git))])
  expect(listed?.get('refs/heads/main')).toBe(two)
})

test('git lists the refs where a ref is symbolic, broken or in another format', async () => {
  using at = await repository()
  const { git, one, text } = at
  await text(['update-ref', 'refs/heads/main', one])
  await text(['symbolic-ref', 'refs/heads/alias', 'refs/heads/main'])
  expect(await readRefFiles(git.dir)).toBeUndefined()
  expect((await readMirrorRefs(git, signal)).refs.get('refs/heads/alias')).toBe(one)
  await text(['symbolic-ref', '--delete', 'refs/heads/alias'])
  fs.writeFileSync(path.join(git.dir, 'refs/heads/empty'), '')
  expect(await readRefFiles(git.dir)).toBeUndefined()
  fs.rmSync(path.join(git.dir, 'refs'), { recursive: true })
  expect(await readRefFiles(git.dir)).toBeUndefined()
})

test('git lists the refs where they are too many files, or a name is not UTF-8', async () => {
  using at = await repository()
  const { git, one, text } = at
  await text(['update-ref', 'refs/heads/main', one])
  const latin1 = Buffer.concat([Buffer.from(`${git.dir}/refs/heads/`), Buffer.from('caf\xe9', 'latin1')])
  fs.writeFileSync(latin1, `${one}\n`)
  expect(await readRefFiles(git.dir)).toBeUndefined()
  expect((await readMirrorRefs(git, signal)).refs.size).toBe(2)
  expect(await pushAdvertisement({ git } as Mirror, undefined, signal)).toBeUndefined()
  fs.rmSync(latin1)
  expect((await readRefFiles(git.dir))?.size).toBe(1)
  const many = Array.from({ length: 1_100 }, (_, i) => `create refs/heads/many/${i} ${one}\n`)
  await text(['update-ref', '--stdin'], many.join(''))
  expect(await readRefFiles(git.dir)).toBeUndefined()
  expect((await readMirrorRefs(git, signal)).refs.size).toBe(1_101)
  await text(['pack-refs', '--all'])
  expect((await readRefFiles(git.dir))?.size).toBe(1_101)
})

test('of thousands of refs, each change is read', async () => {
  using at = await repository()
  const { git, one, two, text } = at
  const many = Array.from({ length: 1_100 }, (_, i) => `create refs/heads/many/${i} ${one}\n`)
  await text(['update-ref', '--stdin'], many.join(''))
  for (const change of [
    ['pack-refs', '--all'],
    ['update-ref', 'refs/heads/many/7', two],
    ['update-ref', 'refs/heads/many/7', one],
    ['update-ref', 'refs/heads/main', two],
    ['update-ref', 'refs/tags/last', two],
    ['pack-refs', '--all'],
    ['update-ref', 'refs/heads/many/8', two],
    // The file keeps its length.
    ['pack-refs', '--all'],
    ['update-ref', '-d', 'refs/heads/main'],
    ['update-ref', '-d', 'refs/heads/many/9'],
  ]) {
    await text(change)
    const byGit = [...(await listedByGit(git))]
    for (const _ of ['from the files', 'as known'])
      expect([...((await readRefFiles(git.dir)) ?? [])], change.join(' ')).toEqual(byGit)
  }
})

test('refs are listed below whole folders of names', async () => {
  using at = await repository()
  const { git, one, text } = at
  for (const ref of ['refs/heads/main', 'refs/headsman/x', 'refs/tags/v1'])
    await text(['update-ref', ref, one])
  const { refs, head } = await readMirrorRefs(git, signal, 'refs/heads')
  expect([...refs.keys()]).toEqual(['refs/heads/main'])
  expect(head).toBe('refs/heads/main')
})

test('the advertisement for a push is the one that git http-backend writes', async () => {
  using at = await repository()
  const { git, one, two, text } = at
  const mirror = { git } as Mirror
  const byGit = async () =>
    `001f# service=git-receive-pack\n0000${await git.text(['receive-pack', '--http-backend-info-refs', git.dir], { signal })}`
  expect(String(await pushAdvertisement(mirror, undefined, signal))).toBe(await byGit())
  for (const ref of [
    'refs/heads/main',
    'refs/tags/light',
    'refs/notes/commits',
    'refs/for/main',
    'refs/pull/1/head',
  ])
    await text(['update-ref', ref, one])
  await text(['tag', '-a', '-m', 'Annotated', 'v1', two])
  await text(['pack-refs', '--all'])
  await text(['update-ref', 'refs/heads/ünïcode', two])
  expect(String(await pushAdvertisement(mirror, 'version=2', signal))).toBe(await byGit())
  expect(await pushAdvertisement(mirror, 'version=1', signal)).toBeUndefined()
})
