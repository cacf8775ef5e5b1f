import { expect, test } from 'vitest'
import { readPath } from '../../src/common/repository-path.ts'
import { RepositoryName } from '../../src/contract/names.ts'

const deep = (segments: number) => Array.from({ length: segments }, (_, i) => `g${i}`).join('/')

test.each([
  'app',
  'github.com/acme/.github',
  'github.com/acme/.github-private',
  'git.sr.ht/~user/app',
  'acme/c++',
  'acme/yarn.lock',
  'acme/a..b',
  'acme/_x',
  deep(20),
])('%s is a name', name => {
  expect(RepositoryName.parse(name)).toBe(name)
})

test.each([
  ['', 'empty segment'],
  ['/app', 'empty segment'],
  ['a//b', 'empty segment'],
  [deep(21), '20 segments at most'],
  ['a/../b', 'is "." or ".."'],
  ['-/api', 'starts with "-"'],
  ['app.git', 'ends in ".git"'],
  ['a.GIT/b', 'ends in ".git"'],
  ['.git', 'ends in ".git"'],
  ['a b', 'not " "'],
  ['größe', 'not "ö"'],
  ['a\nb', 'not "\\n"'],
  ['a'.repeat(201), '200'],
  ['app/info/refs', 'git asks for these itself'],
])('%j is none, and the reason names the part that is wrong', (name, reason) => {
  const read = RepositoryName.safeParse(name)
  expect(read.error?.issues[0]?.message).toContain(reason)
})

const pathOf = (path: string) => readPath(new Request(`http://gate.example${path}`))

test.each([
  ['/app.git/info/refs', 'app'],
  ['/%61%70p%2Egit/info/refs', 'app'],
  ['/%7Euser/c%2B%2B.git/git-upload-pack', '~user/c++'],
  ['/acme/.github', 'acme/.github'],
])('the path %s names %s', (path, name) => {
  expect(pathOf(path)).toEqual({ ok: true, name })
})

test.each([
  ['/acme%2Fapp.git/info/refs', '%2F'],
  ['/a%20b', '%20'],
  ['/%2561pp', '%25'],
  ['/gr%C3%B6%C3%9Fe', '%C3'],
])('the path %s is refused by its percent-encoding', (path, code) => {
  expect(pathOf(path)).toMatchObject({ ok: false, reason: expect.stringContaining(`the URL has ${code}`) })
})
